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

  it('declares what is written apart, where fields may be left out, and only there', () => {
    const r = {
      type: 'record',
      name: 'R',
      fields: [
        { name: 'n', type: 'int', default: 1 },
        { name: 'next', type: ['null', 'R'], default: null },
      ],
    } as const;
    const all = {
      type: 'array',
      items: { type: 'record', name: 'All', fields: [{ name: 'rs', type: { type: 'map', values: r } }] },
    } as const;
    const text = one(all, 'заказ');
    expect(text).toContain('export interface RInput {\n  n?: number | undefined;\n  next?: null | RInput | undefined;\n}\n');
    expect(text).toContain('export interface AllInput {\n  rs: Record<string, RInput>;\n}\n');
    expect(text).toContain('export type заказ = All[];\n\n');
    expect(text).toContain('export type заказInput = readonly AllInput[];\n');
    expect(one({ type: 'array', items: 'int' })).toBe('export type Root = number[];\n');
  });

  it('tells apart files that are called the same', () => {
    const named = (schema: AvroSchema) => ({ name: 'a_b', schema });
    expect(schemaTypes([named('string'), named('long')])).toBe('export type a_b = string;\n\nexport type a_b_ = bigint;\n');
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
