import { z } from 'zod';

const short = (most: number) => z.string().max(most);

/** Ten kinds of answers, short ones. What a grammar leaves to the check (refinements, look-arounds) is for repairs, and not here. */
export const schemas = {
  flat: z.object({ mood: z.enum(['good', 'bad', 'mixed']), isAngry: z.boolean(), seenOn: z.iso.date() }),
  nested: z.object({
    product: z.object({ name: short(12), price: z.object({ amount: z.int().min(0).max(9_999), currency: z.enum(['EUR', 'USD', 'JPY']) }) }),
    rating: z.object({ stars: z.int().min(1).max(5) }),
  }),
  lists: z.object({ tags: z.array(short(10)).max(3), scores: z.array(z.int().min(0).max(10)).min(2).max(2) }),
  optional: z.object({
    subject: z.enum(['sound', 'picture', 'price', 'other']),
    note: short(12).optional(),
    urgency: z.int().min(1).max(3).optional(),
    isNew: z.boolean().optional(),
  }),
  unicode: z.object({
    Stimmung: z.enum(['größer', 'schlecht', 'naïve', 'a "quoted" \\ one']),
    评价: z.enum(['很好', '不好']),
    'ключ с пробелом': z.enum(['да', 'нет', '🙂', '👨‍👩‍👧']),
    نص: short(8),
  }),
  numbers: z.object({
    count: z.int().min(0).max(1_000_000),
    change: z.int().min(-100).max(100),
    share: z.number().min(0).max(1),
    degrees: z.number().gt(-0.5).lt(50.25),
  }),
  unions: z.object({
    action: z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('refund'), days: z.int().min(1).max(30) }),
      z.object({ kind: z.literal('praise'), of: z.enum(['product', 'service']) }),
      z.object({ kind: z.literal('nothing') }),
    ]),
    version: z.literal(3),
    reference: z.union([z.int().min(1).max(99), short(6), z.boolean()]),
  }),
  maps: z.object({
    counts: z.record(z.enum(['stars', 'parts']), z.int().min(0).max(9)),
    words: z.partialRecord(z.enum(['good', 'bad']), short(8)),
    code: z.string().regex(/^[A-Z]{2}-\d{3}$/),
  }),
  objects: z
    .array(z.object({ aspect: z.enum(['price', 'quality', 'delivery']), isGood: z.boolean(), words: z.array(short(8)).max(2).optional() }))
    .min(1)
    .max(3),
  deep: z.object({
    a: z.object({ b: z.object({ leaf: z.enum(['x', 'y']).nullable(), rest: z.array(z.array(z.int().min(0).max(9)).max(2)).max(2) }) }),
    pair: z.tuple([z.boolean(), z.number().min(0).max(1)]),
    empty: z.object({}),
  }),
} as const;
