import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { isStreamError } from '../../../../src/errors.ts';
import { schemaGrammar } from '../../../../src/inference/llama/child/schema-grammar.ts';
import type { JsonSchema } from '../../../../src/inference/model.ts';
import { Gbnf } from './gbnf.ts';

const refusalOf = (schema: JsonSchema): string => {
  try {
    schemaGrammar(schema);
  } catch (error) {
    if (isStreamError(error) && error.code === 'schema_unsupported') return error.message;
    throw error;
  }
  throw new Error('expected the schema to be refused');
};
const gbnfOf = (schema: JsonSchema): Gbnf => new Gbnf(schemaGrammar(schema).grammar);
const jsonSchemaOf = (schema: z.ZodType): JsonSchema => z.toJSONSchema(schema, { io: 'input' });
const takes = (schema: z.ZodType, value: unknown): boolean => gbnfOf(jsonSchemaOf(schema)).takes(JSON.stringify(value));
type Tree = { readonly v: number; readonly kids: readonly Tree[] };
const Tree: z.ZodType<Tree> = z.object({
  v: z.int(),
  get kids() {
    return z.array(Tree);
  },
});

describe('schemaGrammar', () => {
  it('writes members in their order, without white space, optional ones with their comma', () => {
    const { grammar } = schemaGrammar(
      z.toJSONSchema(z.object({ a: z.boolean().optional(), b: z.null(), c: z.literal('x"\\y').optional() })),
    );
    const gbnf = new Gbnf(grammar);
    for (const text of ['{"b":null}', '{"a":true,"b":null}', '{"a":false,"b":null,"c":"x\\"\\\\y"}', '{"b":null,"c":"x\\"\\\\y"}'])
      expect([text, gbnf.takes(text)]).toEqual([text, true]);
    for (const text of ['{}', '{"b":null,"a":true}', '{ "b":null}', '{"b":null,}', '{,"b":null}', '{"a":true"b":null}'])
      expect([text, gbnf.takes(text)]).toEqual([text, false]);
  });

  it.each<{ schema: JsonSchema; longest: string }>([
    { schema: { type: 'boolean' }, longest: 'false' },
    { schema: { enum: ['a', 'grün', 3] }, longest: '"grün"' },
    { schema: { type: 'integer', minimum: -10, maximum: 5 }, longest: '-10' },
    { schema: { type: ['string', 'null'], maxLength: 4 }, longest: '"€€€€"' },
    { schema: { type: 'array', items: { type: 'null' }, maxItems: 3 }, longest: '[null,null,null]' },
    { schema: { type: 'object', properties: { k: { type: 'boolean' }, l: { type: 'null' } } }, longest: '{"k":false,"l":null}' },
    { schema: { $defs: { b: { type: 'boolean' } }, anyOf: [{ $ref: '#/$defs/b' }, { const: 'longer' }] }, longest: '"longer"' },
  ])('bounds the answer to $schema', ({ schema, longest }) => {
    const bytes = Buffer.byteLength(longest);
    const { longestBytes } = schemaGrammar(schema);
    expect(longestBytes).toBeGreaterThanOrEqual(bytes);
    expect(longestBytes).toBeLessThanOrEqual(bytes + 2);
  });

  it.each<{ what: string; schema: z.ZodType; good: readonly unknown[]; bad: readonly unknown[] }>([
    { what: 'plain strings', schema: z.string(), good: ['', 'a"b\\c\n', '🙂'], bad: [1, null] },
    { what: 'lists without a bound', schema: z.array(z.int()), good: [[], [1], [1, 2, 3]], bad: [[true], 1] },
    { what: 'long strings', schema: z.string().min(3).max(1_200), good: ['abc', 'a'.repeat(1_200)], bad: ['ab', 'a'.repeat(1_201)] },
    {
      what: 'long lists',
      schema: z.array(z.null()).length(300),
      good: [Array(300).fill(null)],
      bad: [Array(299).fill(null), Array(301).fill(null)],
    },
    { what: 'tuples', schema: z.tuple([z.string(), z.int()]), good: [['a', 1]], bad: [[], ['a'], ['a', 1, 1], [1, 'a']] },
    { what: 'tuples with a rest', schema: z.tuple([z.string()], z.boolean()), good: [['a'], ['a', true, false]], bad: [[], ['a', 1]] },
    { what: 'tuples that may end early', schema: z.tuple([z.null(), z.int().optional()]), good: [[null], [null, 1]], bad: [[], [1]] },
    { what: 'maps', schema: z.record(z.string(), z.number()), good: [{}, { a: 1, 'b"': 2.5 }], bad: [{ a: 'x' }, []] },
    { what: 'maps by pattern', schema: z.record(z.string().regex(/^\d+$/), z.int()), good: [{ 1: 1 }], bad: [{ a: 1 }] },
    { what: 'maps of all names', schema: z.record(z.enum(['a', 'b']), z.int()), good: [{ a: 1, b: 2 }], bad: [{ a: 1 }, {}] },
    { what: 'maps of some names', schema: z.partialRecord(z.enum(['a', 'b']), z.int()), good: [{}, { b: 2 }], bad: [{ c: 1 }] },
    { what: 'recursion', schema: Tree, good: [{ v: 1, kids: [{ v: 2, kids: [] }] }], bad: [{ v: 1 }, { v: 1, kids: [{ v: 2 }] }] },
    { what: 'anything', schema: z.object({ a: z.unknown() }), good: [{ a: [1, { b: [null, 'x'] }] }], bad: [{}] },
    {
      what: 'intersections',
      schema: z.intersection(z.union([z.object({ a: z.int() }), z.object({ c: z.int() })]), z.object({ b: z.int() })),
      good: [
        { b: 1, a: 1 },
        { b: 1, c: 1 },
      ],
      bad: [{ a: 1 }, { b: 1 }],
    },
    { what: 'dates', schema: z.iso.date(), good: ['2024-02-29', '2023-12-31'], bad: ['2023-02-29', '2023-13-01', 'today'] },
    { what: 'times of day', schema: z.iso.time(), good: ['12:30', '23:59:59.5'], bad: ['24:00'] },
    {
      what: 'moments',
      schema: z.iso.datetime(),
      good: ['2024-02-29T12:00:00Z', '2024-01-31T12:00:00.123Z'],
      bad: ['2024-01-31', '2024-01-32T12:00:00Z'],
    },
    { what: 'durations', schema: z.iso.duration(), good: ['P1D', 'PT5M', 'P2W'], bad: ['P', '5M'] },
    { what: 'UUIDs', schema: z.uuid(), good: ['3fa85f64-5717-4562-b3fc-2c963f66afa6'], bad: ['3fa85f64'] },
    { what: 'e-mail addresses', schema: z.email(), good: ['a.b+c@d-e.fg'], bad: ['a', 'a@b'] },
    { what: 'addresses', schema: z.ipv4(), good: ['127.0.0.1', '255.255.255.255'], bad: ['256.0.0.1', '1.1.1'] },
    { what: 'new addresses', schema: z.ipv6(), good: ['::1', '2001:db8::1'], bad: ['127.0.0.1'] },
    { what: 'URLs', schema: z.url(), good: ['https://a.bc/d?e=f'], bad: ['x y'] },
    {
      what: 'a pattern with its length',
      schema: z
        .string()
        .regex(/^[a-z]+$/)
        .max(5),
      good: ['a', 'abcde'],
      bad: ['', 'abcdef', 'A'],
    },
    { what: 'a pattern without anchors', schema: z.string().includes('x"'), good: ['x"', 'ax"b'], bad: ['x'] },
    { what: 'what begins', schema: z.string().startsWith('ab'), good: ['ab', 'abc'], bad: ['b'] },
    { what: 'open bounds', schema: z.number().gt(0).lt(0.5), good: [0.25, 0.000001], bad: [0, 0.5, 1] },
    { what: 'annotations of any name', schema: z.string().meta({ unit: 'kg' }), good: ['x'], bad: [] },
  ])('holds $what', ({ schema, good, bad }) => {
    for (const value of good) {
      expect(schema.safeParse(value).success, `${JSON.stringify(value)} is valid`).toBe(true);
      expect([value, takes(schema, value)]).toEqual([value, true]);
    }
    for (const value of bad) expect([value, takes(schema, value)]).toEqual([value, false]);
  });

  it.each<{ what: string; schema: JsonSchema; invalid: unknown }>([
    { what: 'multiples', schema: { type: 'integer', multipleOf: 2 }, invalid: 3 },
    { what: 'that items differ', schema: { type: 'array', items: { type: 'null' }, uniqueItems: true }, invalid: [null, null] },
    { what: 'negations', schema: { type: 'string', not: { const: 'x' } }, invalid: 'x' },
    { what: 'look-arounds', schema: { type: 'string', pattern: '^(?!x).$' }, invalid: 'x' },
    { what: 'classes of properties', schema: { type: 'string', pattern: '^\\p{Lu}$' }, invalid: 'x' },
    { what: 'a second pattern', schema: { type: 'string', allOf: [{ pattern: '^.$' }, { pattern: 'y' }] }, invalid: 'x' },
    { what: 'other formats', schema: { type: 'string', format: 'iri' }, invalid: 'x y' },
    { what: 'members of an object', schema: { type: 'object', properties: { a: { type: 'null' } }, minProperties: 1 }, invalid: {} },
    { what: 'lengths beside a pattern of several parts', schema: { type: 'string', pattern: '^ab*$', maxLength: 2 }, invalid: 'abb' },
  ])('leaves $what to the check', ({ schema, invalid }) => {
    expect(gbnfOf(schema).takes(JSON.stringify(invalid))).toBe(true);
  });

  it.each<{ why: string; schema: JsonSchema; says: string }>([
    {
      why: 'a required member that is not there',
      schema: { type: 'object', properties: {}, required: ['x'], additionalProperties: false },
      says: 'required names "x"',
    },
    { why: 'bounds the wrong way round', schema: { type: 'integer', minimum: 3, maximum: 2 }, says: 'no whole number' },
    { why: 'bounds beyond what it writes', schema: { type: 'number', minimum: 1e30 }, says: 'no number of 15 digits' },
    {
      why: 'no number between its bounds',
      schema: { type: 'number', exclusiveMinimum: 0, exclusiveMaximum: 0.000_000_1 },
      says: 'six decimals',
    },
    {
      why: 'lengths the wrong way round',
      schema: { type: 'string', minLength: 3, maxLength: 2 },
      says: 'minLength 3 is above maxLength 2',
    },
    { why: 'half a length', schema: { type: 'string', maxLength: 2.5 }, says: 'a whole number from 0' },
    { why: 'an unknown type', schema: { type: 'date' }, says: 'type "date" is unknown' },
    { why: 'a foreign reference', schema: { $ref: 'https://example.com/x' }, says: 'only references' },
    { why: 'a reference to nothing', schema: { $ref: '#/$defs/x' }, says: 'there is nothing at #/$defs/x' },
    { why: 'a reference into a prototype', schema: { $ref: '#/constructor' }, says: 'there is nothing at' },
    { why: 'nothing', schema: { not: {} }, says: 'it allows nothing' },
    { why: 'an empty union', schema: { anyOf: [] }, says: 'it allows nothing' },
    { why: 'an empty enum', schema: { enum: [] }, says: 'it allows nothing' },
    { why: 'what is nothing but itself', schema: { anyOf: [{ type: 'null' }, { $ref: '#' }] }, says: 'nothing but itself' },
    {
      why: 'two that are nothing but each other',
      schema: {
        $defs: {
          a: { anyOf: [{ type: 'object', properties: { x: { $ref: '#/$defs/b' } } }, { $ref: '#/$defs/b' }] },
          b: { anyOf: [{ $ref: '#/$defs/a' }] },
        },
        $ref: '#/$defs/a',
      },
      says: 'nothing but itself',
    },
    {
      why: 'recursion without an end',
      schema: { type: 'object', properties: { left: { $ref: '#' } }, required: ['left'] },
      says: 'none ever ends',
    },
    {
      why: 'an optional member without an end',
      schema: {
        $defs: { t: { type: 'array', items: { $ref: '#/$defs/t' }, minItems: 1 } },
        type: 'object',
        properties: { t: { $ref: '#/$defs/t' } },
      },
      says: '#/$defs/t: each of its values',
    },
    {
      why: 'too many alternatives',
      schema: { anyOf: Array.from({ length: 201 }, () => ({ type: 'null' })) },
      says: 'more than 200 alternatives',
    },
    { why: 'too many literals', schema: { enum: Array.from({ length: 20_000 }, (_, at) => `${String(at)} of many`) }, says: 'too large' },
    {
      why: 'too many members',
      schema: { type: 'object', properties: Object.fromEntries(Array.from({ length: 3_000 }, (_, at) => [`member ${String(at)}`, {}])) },
      says: 'too large',
    },
    {
      why: 'what is nested too deep',
      schema: Array.from({ length: 5_000 }).reduce<JsonSchema>((items) => ({ type: 'array', items }), {}),
      says: 'nested deeper than 64',
    },
    {
      why: 'a chain of allOf',
      schema: Array.from({ length: 5_000 }).reduce<JsonSchema>((one) => ({ allOf: [one] }), {}),
      says: 'nested deeper than 64',
    },
    { why: 'an allOf that holds itself', schema: { type: 'object', allOf: [{ $ref: '#' }] }, says: 'nested deeper than 64' },
  ])('refuses $why', ({ schema, says }) => {
    expect(refusalOf(schema)).toContain(says);
  });

  it('ends where two hold each other, and one of them may end', () => {
    const schema: JsonSchema = {
      $defs: {
        a: { type: 'object', properties: { b: { $ref: '#/$defs/b' } } },
        b: { type: 'object', properties: { a: { $ref: '#/$defs/a' } }, required: ['a'] },
      },
      type: 'array',
      prefixItems: [{ $ref: '#/$defs/a' }, { $ref: '#/$defs/b' }],
      minItems: 2,
    };
    expect(gbnfOf(schema).takes('[{"b":{"a":{}}},{"a":{}}]')).toBe(true);
    expect(schemaGrammar(schema).longestBytes).toBe(Number.POSITIVE_INFINITY);
  });

  it('writes what is referred to often, or nested, once', () => {
    const nested = (depth: number): JsonSchema =>
      depth === 0
        ? { type: 'string', maxLength: 50 }
        : { type: 'object', properties: { left: nested(depth - 1), right: nested(depth - 1) } };
    const wide = (depth: number): JsonSchema => ({
      $defs: Object.fromEntries(
        Array.from({ length: depth }, (_, at) => [
          `d${String(at)}`,
          at === 0
            ? { type: 'null' }
            : { type: 'array', items: { $ref: `#/$defs/d${String(at - 1)}` }, prefixItems: [{ $ref: `#/$defs/d${String(at - 1)}` }] },
        ]),
      ),
      $ref: `#/$defs/d${String(depth - 1)}`,
    });
    expect(schemaGrammar(nested(6)).grammar.length).toBeLessThan(20_000);
    expect(schemaGrammar(wide(30)).grammar.length).toBeLessThan(5_000);
    expect(
      schemaGrammar({ type: 'array', minItems: 1_000, maxItems: 1_000, items: { type: 'string', maxLength: 10_000 } }).grammar.length,
    ).toBeLessThan(1_000);
  });

  it.each([
    { what: 'a date and time', schema: z.iso.datetime({ offset: true }), longest: 60, takes: '2024-02-29T10:00:00.123456+01:00' },
    {
      what: 'a time',
      schema: z
        .string()
        .meta({ format: 'time' })
        .regex(/^\d\d:\d\d(\.\d+)?$/),
      longest: 30,
      takes: '10:00.5',
    },
    { what: 'an address', schema: z.email(), longest: 200, takes: 'jane.doe-2@mail.example.com' },
    {
      what: 'at least as many as it says',
      schema: z
        .string()
        .meta({ format: 'date-time' })
        .regex(/^a{20,}$/),
      longest: 25,
      takes: 'a'.repeat(20),
    },
  ])('ends $what of a pattern that does not', ({ schema, longest, takes }) => {
    const made = z.toJSONSchema(schema) as JsonSchema;
    expect(schemaGrammar(made).longestBytes).toBeLessThan(longest);
    expect(gbnfOf(made).takes(JSON.stringify(takes))).toBe(true);
  });

  it('takes what zod makes of a usual answer', () => {
    const Usual = z.object({
      label: z.enum(['a', 'b']),
      score: z.number().min(0).max(1),
      count: z.int(),
      note: z.string().max(80).nullable(),
      parts: z
        .array(z.object({ name: z.string().min(1).max(10) }))
        .max(3)
        .optional(),
    });
    expect(schemaGrammar(z.toJSONSchema(Usual)).longestBytes).toBeLessThan(600);
  });
});
