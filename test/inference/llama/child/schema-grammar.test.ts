import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { isStreamError } from '../../../../src/errors.ts';
import { schemaGrammar } from '../../../../src/inference/llama/child/schema-grammar.ts';
import type { JsonSchema } from '../../../../src/inference/model.ts';

const refusalOf = (schema: JsonSchema): string => {
  try {
    schemaGrammar(schema);
  } catch (error) {
    if (isStreamError(error) && error.code === 'schema_unsupported') return error.message;
    throw error;
  }
  throw new Error('expected the schema to be refused');
};

describe('schemaGrammar', () => {
  it('writes members in their order, without white space, optional ones with their comma', () => {
    const { grammar } = schemaGrammar(
      z.toJSONSchema(z.object({ a: z.boolean().optional(), b: z.null(), c: z.literal('x"\\y').optional() })),
    );
    expect(grammar.split('\n')).toEqual([
      'root ::= r7',
      'r0 ::= "\\"x\\\\\\"\\\\\\\\y\\""',
      'r1 ::= "\\"c\\":" r0 "" | ""',
      'r2 ::= "," "\\"c\\":" r0 "" | ""',
      'r3 ::= "\\"b\\":" "null" r2',
      'r4 ::= "," "\\"b\\":" "null" r2',
      'r5 ::= "\\"a\\":" ("true" | "false") r4 | r3',
      'r6 ::= "," "\\"a\\":" ("true" | "false") r4 | r4',
      'r7 ::= "{" r5 "}"',
    ]);
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

  it.each<{ why: string; schema: JsonSchema; says: string }>([
    {
      why: 'a string without a bound',
      schema: { type: 'object', properties: { t: { type: 'string' } } },
      says: '#/properties/t: it has no bound; add maxLength',
    },
    { why: 'a string above the limit', schema: { type: 'string', maxLength: 2_001 }, says: 'from 0 to 2000' },
    { why: 'a pattern', schema: { type: 'string', maxLength: 5, pattern: '^a' }, says: '"pattern" is not supported' },
    { why: 'a format', schema: { type: 'string', maxLength: 5, format: 'date' }, says: '"format" is not supported' },
    { why: 'a list without a bound', schema: { type: 'array', items: { type: 'null' } }, says: 'add maxItems' },
    { why: 'a list of anything', schema: { type: 'array', maxItems: 1 }, says: '#/items: expected a schema' },
    { why: 'unique items', schema: { type: 'array', items: { type: 'null' }, maxItems: 3, uniqueItems: true }, says: '"uniqueItems"' },
    { why: 'anything', schema: {}, says: 'it allows anything' },
    { why: 'a map', schema: { type: 'object', additionalProperties: { type: 'null' } }, says: 'a map has no bound' },
    { why: 'a required member that is not there', schema: { type: 'object', properties: {}, required: ['x'] }, says: 'required names "x"' },
    { why: 'allOf', schema: { type: 'object', properties: {}, allOf: [] }, says: '"allOf"' },
    { why: 'members beside a union', schema: { anyOf: [{ type: 'null' }], properties: {} }, says: '"properties"' },
    { why: 'a multiple', schema: { type: 'integer', multipleOf: 2 }, says: '"multipleOf"' },
    { why: 'a bound between whole numbers', schema: { type: 'number', maximum: 0.5 }, says: 'use a whole bound' },
    { why: 'bounds the wrong way round', schema: { type: 'integer', minimum: 3, maximum: 2 }, says: 'no number lies between' },
    { why: 'an unknown type', schema: { type: 'date' }, says: 'type "date" is unknown' },
    { why: 'a foreign reference', schema: { $ref: 'https://example.com/x' }, says: 'only references' },
    { why: 'a reference to nothing', schema: { $ref: '#/$defs/x' }, says: 'expected a schema' },
    {
      why: 'recursion',
      schema: { $ref: '#/$defs/tree', $defs: { tree: { type: 'object', properties: { left: { $ref: '#/$defs/tree' } } } } },
      says: 'holds itself',
    },
    { why: 'an empty union', schema: { anyOf: [] }, says: 'it allows nothing' },
  ])('refuses $why', ({ schema, says }) => {
    expect(refusalOf(schema)).toContain(says);
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
