import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { AvroSchema } from '../../../src/codec/avro/avro-schema.ts';
import { schemaTypes } from '../../../src/codec/avro/schema-types.ts';
import { orderSchema } from '../../types/avro-schema.ts';

const one = (schema: AvroSchema, name = 'Root'): string => schemaTypes([{ name, schema }]);

describe('schemaTypes', () => {
  it('is what the compiler holds against the inferred types', async () => {
    const kept = await readFile(join(import.meta.dirname, '../../types/avro-types.d.ts'), 'utf8');
    expect(one(orderSchema)).toBe(kept.replace("'../../src/index.ts'", "'millrace'"));
  });

  it.each<readonly [AvroSchema, string]>([
    ['string', 'export type Root = string;\n'],
    [['null', 'long'], 'export type Root = null | bigint;\n'],
    [{ type: 'array', items: ['null', 'int'] }, 'export type Root = (null | number)[];\n'],
    [{ type: 'record', name: 'Date', namespace: 'a.b', fields: [] }, 'export interface a_b_Date {}\n'],
    [{ type: 'record', name: 'R', doc: 'Ends */ here\n now.', fields: [] }, '/** Ends *\\/ here now. */\nexport interface R {}\n'],
  ])('%j', (schema, text) => {
    expect(one(schema)).toBe(text);
  });

  it('takes files that speak of each other in any order, and tells apart what is called the same', () => {
    const part = { name: 'part', schema: { type: 'record', name: 'Part', namespace: 'a', fields: [{ name: 'n', type: 'int' }] } } as const;
    const other = {
      name: 'other',
      schema: { type: 'record', name: 'Part', namespace: 'b', fields: [{ name: 'of', type: 'a.Part' }] },
    } as const;
    expect(schemaTypes([other, part])).toBe('export interface Part {\n  n: number;\n}\n\nexport interface b_Part {\n  of: Part;\n}\n');
    expect(() => schemaTypes([other])).toThrow(/other is no Avro schema: .*a\.Part/);
  });
});
