import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { schemaGrammar } from '../../../../src/inference/llama/child/schema-grammar.ts';
import type { JsonSchema } from '../../../../src/inference/model.ts';
import { seededRandom } from '../../../../src/inference/scripted/seeded-random.ts';
import { Gbnf } from './gbnf.ts';

/** Schemas whose grammars hold all of them, with values as they are written. */
interface Case {
  readonly schema: JsonSchema;
  readonly value: unknown;
}
const literal = fc.oneof(fc.string({ maxLength: 4 }), fc.integer(), fc.boolean(), fc.constant(null));
const name = fc.string({ minLength: 1, maxLength: 3 }).filter((one) => one !== '__proto__');
const patterns = [
  { pattern: '^[A-Z]{2}-\\d{3}$', value: 'AB-123' },
  { pattern: '^(?:a|b+)?c$', value: 'bbc' },
  { pattern: '^[^"\\\\]{1,3}$', value: 'x y' },
  { pattern: '^"\\\\+$', value: '"\\\\' },
];
const { any } = fc.letrec<{ any: Case; flat: Case }>((tie) => ({
  flat: fc.oneof(
    fc
      .tuple(fc.nat(3), fc.nat(4), fc.string({ minLength: 3, maxLength: 3, unit: fc.constantFrom('a', '"', '\\', 'é', '\n') }))
      .map(([minLength, more, value]): Case => ({ schema: { type: 'string', minLength, maxLength: 3 + more }, value })),
    fc
      .string({ maxLength: 5 })
      .filter((one) => !/[\0-\x1f\x7f]/.test(one))
      .map((value): Case => ({ schema: { type: 'string' }, value })),
    fc.constantFrom(...patterns).map(({ pattern, value }): Case => ({ schema: { type: 'string', pattern }, value })),
    fc.tuple(fc.integer({ min: -999, max: 999 }), fc.nat(50), fc.nat(50)).map(
      ([value, below, above]): Case => ({
        schema: { type: 'integer', minimum: value - below, exclusiveMaximum: value + above + 1 },
        value,
      }),
    ),
    fc.tuple(fc.integer({ min: -999, max: 999 }), fc.nat(500), fc.nat(500)).map(
      ([value, below, above]): Case => ({
        schema: { type: 'number', minimum: (value - below) / 10, maximum: (value + above) / 10 },
        value: value / 10,
      }),
    ),
    fc.constant<Case>({ schema: { type: 'boolean' }, value: true }),
    fc.array(literal, { minLength: 1, maxLength: 6 }).map((values): Case => ({ schema: { enum: values }, value: values.at(-1) })),
  ),
  any: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    tie('flat'),
    fc.tuple(tie('any'), fc.nat(2), fc.nat(3), fc.boolean()).map(
      ([{ schema, value }, minItems, more, isOpen]): Case => ({
        schema: { type: 'array', items: schema, minItems, ...(isOpen ? {} : { maxItems: minItems + more }) },
        value: Array.from({ length: minItems }, () => value),
      }),
    ),
    fc.tuple(tie('any'), tie('any'), fc.boolean()).map(
      ([one, other, hasRest]): Case => ({
        schema: { type: 'array', prefixItems: [one.schema, other.schema], items: hasRest ? one.schema : false, minItems: 1 },
        value: hasRest ? [one.value, other.value, one.value] : [one.value],
      }),
    ),
    fc.tuple(tie('any'), fc.uniqueArray(name, { maxLength: 3 })).map(
      ([{ schema, value }, names]): Case => ({
        schema: { type: 'object', additionalProperties: schema },
        value: Object.fromEntries(names.filter((one) => !/[\0-\x1f\x7f]/.test(one)).map((one) => [one, value])),
      }),
    ),
    fc.uniqueArray(fc.tuple(name, tie('any'), fc.boolean(), fc.boolean()), { maxLength: 4, selector: ([one]) => one }).map(
      (members): Case => ({
        schema: {
          type: 'object',
          properties: Object.fromEntries(members.map(([one, { schema }]) => [one, schema])),
          required: members.filter(([, , isRequired]) => isRequired).map(([one]) => one),
          additionalProperties: false,
        },
        value: Object.fromEntries(
          members.filter(([, , isRequired, isThere]) => isRequired || isThere).map(([one, { value }]) => [one, value]),
        ),
      }),
    ),
    fc.tuple(tie('any'), tie('any')).map(([one, other]): Case => ({ schema: { anyOf: [one.schema, other.schema] }, value: other.value })),
  ),
}));
/** Wrapped into one that holds itself. */
const cases: fc.Arbitrary<Case> = fc.oneof(
  any,
  any.map(
    ({ schema, value }): Case => ({
      schema: {
        $defs: {
          node: {
            type: 'object',
            properties: { is: schema, next: { $ref: '#/$defs/node' } },
            required: ['is'],
            additionalProperties: false,
          },
        },
        $ref: '#/$defs/node',
      },
      value: { is: value, next: { is: value } },
    }),
  ),
);

describe('any schema', () => {
  const seed = fc.integer();

  it('makes nothing that is not valid', () => {
    fc.assert(
      fc.property(cases, seed, ({ schema }, chance) => {
        const { grammar, longestBytes } = schemaGrammar(schema);
        const text = new Gbnf(grammar).sample(seededRandom(chance, 'schema'));
        const checked = z.fromJSONSchema(schema).safeParse(JSON.parse(text));
        expect([text, checked.error?.issues]).toEqual([text, undefined]);
        expect(Buffer.byteLength(text)).toBeLessThanOrEqual(longestBytes);
      }),
      { numRuns: 150 },
    );
  });

  it('takes its values', () => {
    fc.assert(
      fc.property(cases, ({ schema, value }) => {
        const text = JSON.stringify(value);
        expect([text, new Gbnf(schemaGrammar(schema).grammar).takes(text)]).toEqual([text, true]);
      }),
      { numRuns: 150 },
    );
  });
});
