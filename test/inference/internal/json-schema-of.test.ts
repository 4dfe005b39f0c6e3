import { type } from 'arktype';
import * as v from 'valibot';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { OptionError } from '../../../src/errors.ts';
import { jsonSchemaOf } from '../../../src/inference/internal/json-schema-of.ts';

it('takes what goes into the schema, since that is what the answer has to be', () => {
  const schema = z.object({ a: z.string().default('x'), n: z.string().transform(Number) });
  expect(jsonSchemaOf(schema)).toEqual({
    type: 'object',
    properties: { a: { default: 'x', type: 'string' }, n: { type: 'string' } },
    required: ['n'],
    additionalProperties: false,
  });
});

it('closes objects at every depth', () => {
  const inner = z.object({ b: z.string() });
  const schema = z.object({ list: z.array(inner), either: z.union([inner, z.null()]) });
  expect(JSON.stringify(jsonSchemaOf(schema)).match(/"additionalProperties":false/g)).toHaveLength(3);
});

it('leaves a map, and an object and the parts of its allOf, open', () => {
  expect(jsonSchemaOf(z.record(z.string(), z.number()))).toMatchObject({ additionalProperties: { type: 'number' } });
  const beside = { type: 'object', properties: { a: {} }, allOf: [{ properties: { b: {} } }] };
  const schema = {
    '~standard': { version: 1 as const, vendor: 'own', validate: (value: unknown) => ({ value }), jsonSchema: { input: () => beside } },
  };
  expect(jsonSchemaOf(schema)).toEqual(beside);
});

it('knows recursive schemas and arktype, and none where there is none', () => {
  const tree: z.ZodType<{ n: number }> = z.object({
    n: z.number(),
    get next() {
      return tree.optional();
    },
  });
  expect(JSON.stringify(jsonSchemaOf(tree))).toContain('"$ref"');
  expect(jsonSchemaOf(type({ a: 'string' }))).toMatchObject({ additionalProperties: false, required: ['a'] });
  expect(jsonSchemaOf(v.object({ a: v.string() }))).toBeUndefined();
});

it.each([
  ['a date', z.object({ at: z.date() })],
  ['a bigint', z.array(z.bigint())],
  ['a map', z.map(z.string(), z.int())],
  ['a set', z.set(z.string())],
  ['a type of one’s own', z.object({ at: z.custom<Date>() })],
  ['what is made of a date', z.date().transform((at) => at.toISOString())],
])('refuses %s, and says what to write instead', (_, schema) => {
  expect(() => jsonSchemaOf(schema)).toThrow(OptionError);
  expect(() => jsonSchemaOf(schema)).toThrow(/cannot be represented in JSON Schema.*z\.iso\.datetime\(\)/);
});

it('takes a date that is made of text', () => {
  expect(jsonSchemaOf(z.iso.datetime().transform((text) => new Date(text)))).toMatchObject({ type: 'string', format: 'date-time' });
});
