import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AvroSchema } from '../../../src/codec/avro/avro-schema.ts';
import { type AvscType, tapOf } from '../../../src/codec/avro/avsc.ts';
import { allowItems } from '../../../src/codec/avro/blocks.ts';
import { compiledRead, type Read } from '../../../src/codec/avro/compiled-read.ts';
import { compileSchema } from '../../../src/codec/avro/compile-schema.ts';

const tree: AvroSchema = {
  type: 'record',
  name: 'Tree',
  namespace: 'a.b',
  fields: [
    { name: 'text', type: 'string' },
    { name: 'long', type: 'long' },
    { name: 'flag', type: 'boolean' },
    { name: 'double', type: 'double' },
    { name: 'float', type: 'float' },
    { name: 'bytes', type: 'bytes' },
    {
      name: 'either',
      type: ['null', 'int', 'double', { type: 'enum', name: 'E', symbols: ['A', 'B'] }, { type: 'fixed', name: 'F', size: 2 }],
    },
    { name: 'maybe', type: ['null', 'Tree'] },
    { name: 'map', type: { type: 'map', values: ['null', 'int'] } },
    { name: 'list', type: { type: 'array', items: 'Tree' } },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'pair', type: { type: 'error', name: 'Pair', fields: [{ name: 'constructor', type: 'null' }] } },
  ],
};
const leaf = {
  ...{ text: 'ü', long: 2n ** 60n, flag: true, double: 0.1, float: 0.5, bytes: Buffer.of(1, 2), either: { 'a.b.E': 'B' }, maybe: null },
  ...{ map: { a: null, b: 7 }, list: [], at: new Date(5), pair: { constructor: null } },
};
const value = { ...leaf, maybe: { ...leaf, either: null }, list: [leaf, { ...leaf, either: { double: 1.5 } }] };

function outcome(read: Read, bytes: Buffer): unknown {
  allowItems(1_000);
  const tap = tapOf(bytes, 0);
  try {
    const found = read(tap);
    return { found, at: tap.pos, isValid: tap.isValid() };
  } catch {
    return 'refused';
  }
}

describe('compiledRead', () => {
  const type = compileSchema(tree, 'tree');
  const slow: Read = (tap) => type._read(tap);
  const fast = compiledRead(type);
  const bytes = type.toBuffer(value);

  it('reads what _read reads', () => {
    expect(outcome(fast, bytes)).toEqual(outcome(slow, bytes));
    expect(outcome(fast, bytes)).toMatchObject({ found: value, at: bytes.length, isValid: true });
  });

  it('reads or refuses damaged bytes as _read does', () => {
    const damage = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(damage, fc.nat(bytes.length), (changes, end) => {
        const damaged = Buffer.from(bytes);
        for (const [at, byte] of changes) damaged[at] = byte;
        const cut = damaged.subarray(0, end);
        expect(outcome(fast, cut)).toEqual(outcome(slow, cut));
      }),
      { numRuns: 2_000 },
    );
  });

  it('is code of its own for each type, also where two are the same', () => {
    const other = compiledRead(compileSchema(tree, 'tree'));
    const found = outcome(other, bytes) as { readonly found: object };
    const own = outcome(fast, bytes) as { readonly found: object };
    expect(found).toEqual(own);
    expect(found.found.constructor).not.toBe(own.found.constructor);
  });

  it.each<readonly [AvroSchema]>([['string'], [['null', 'long']], [{ type: 'record', name: 'Empty', fields: [] }]])('%j', (schema) => {
    const one: AvscType = compileSchema(schema, 'one');
    for (const given of [Buffer.of(), Buffer.of(2, 0x61), Buffer.of(9)])
      expect(outcome(compiledRead(one), given)).toEqual(outcome((tap) => one._read(tap), given));
  });
});
