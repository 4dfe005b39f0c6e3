import { expect, it } from 'vitest';
import { avro } from '../../../src/codec/avro/avro.ts';
import type { AvroInput } from '../../../src/codec/avro/avro-value.ts';
import { nested } from '../../types/avro-schema.ts';

it('values have at run time the type that the compiler infers: names in namespaces, defaults', () => {
  const codec = avro(nested);
  const inner: AvroInput<typeof nested> = { one: { bytes: Uint8Array.of(1) }, two: { 'c.In': { x: 'A' } }, three: null };
  const decoded = codec.decode(
    codec.encode({ one: { 'a.b.F': Uint8Array.of(2) }, two: { 'a.b.R': inner }, three: { 'c.E': 'A' }, four: Uint8Array.of(3) }),
  );
  expect(decoded).toEqual({
    one: { 'a.b.F': Buffer.of(2) },
    two: { 'a.b.R': { one: { bytes: Buffer.of(1) }, two: { 'c.In': { x: 'A' } }, three: null, four: Buffer.of(0) } },
    three: { 'c.E': 'A' },
    four: Buffer.of(3),
  });
});

it('values have at run time the type that the compiler infers: logical types in unions, and those that are none', () => {
  const day = { type: 'int', logicalType: 'date' } as const;
  const decimal = { type: 'bytes', logicalType: 'decimal', precision: 4, scale: 2 } as const;
  const when = avro(['null', { type: 'long', logicalType: 'timestamp-millis' }, 'string']);
  expect([null, new Date(5), 'a'].map((value) => when.decode(when.encode(value)))).toEqual([null, new Date(5), 'a']);
  const named = avro([day, 'string', decimal]);
  expect(named.decode(named.encode({ int: '2026-11-22' }))).toEqual({ int: '2026-11-22' });
  expect(named.decode(named.encode({ bytes: '1.20' }))).toEqual({ bytes: '1.20' });
  const plain = avro([day, 'double']);
  expect(['2026-11-22', 1.5].map((value) => plain.decode(plain.encode(value)))).toEqual(['2026-11-22', 1.5]);
  const none = avro({ type: 'bytes', logicalType: 'decimal', precision: 9, scale: 10 });
  expect(none.decode(none.encode(Uint8Array.of(7)))).toEqual(Buffer.of(7));
});
