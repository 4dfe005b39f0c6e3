import type { AvroSchema } from '../../../src/codec/avro/avro-schema.ts';
import type { HostileCase } from './case.ts';

const record = (name: string, type: AvroSchema): AvroSchema => ({ type: 'record', name, fields: [{ name: 'is', type }] });

/** One schema for all cases: which branch a case is of stands first in its bytes. */
const branches = {
  nulls: record('Nulls', { type: 'array', items: 'null' }),
  longs: record('Longs', { type: 'array', items: 'long' }),
  texts: record('Texts', { type: 'map', values: 'string' }),
  deep: record('Deep', ['null', 'Deep']),
  tree: record('Tree', { type: 'array', items: 'Tree' }),
  kind: record('OfKind', { type: 'enum', name: 'Kind', symbols: ['A', 'B'] }),
  money: record('Money', { type: 'bytes', logicalType: 'decimal', precision: 20, scale: 2 }),
  time: record('Time', { type: 'long', logicalType: 'timestamp-millis' }),
  date: record('Day', { type: 'int', logicalType: 'date' }),
  text: record('Text', 'string'),
  blob: record('Blob', 'bytes'),
  int: record('Int', 'int'),
  long: record('Long', 'long'),
  empties: record('Empties', { type: 'array', items: { type: 'record', name: 'Empty', fields: [] } }),
  grid: record('Grid', { type: 'array', items: { type: 'array', items: { type: 'array', items: 'null' } } }),
} as const;

export const hostileSchema: AvroSchema = Object.values(branches);

/** A long as Avro writes it. */
export function zigzag(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(rest)]);
}

export const of = (branch: keyof typeof branches, ...parts: readonly (bigint | Buffer | readonly number[])[]): Buffer =>
  Buffer.concat([
    zigzag(BigInt(Object.keys(branches).indexOf(branch))),
    ...parts.map((part) => (typeof part === 'bigint' ? zigzag(part) : Buffer.from(part))),
  ]);

const million = 1_000_000;
const keys = (count: number, key: (i: number) => string): Buffer =>
  Buffer.concat(
    Array.from({ length: count }, (_, i) => {
      const text = Buffer.from(key(i));
      return Buffer.concat([zigzag(BigInt(text.length)), text, Buffer.of(0)]);
    }),
  );
const text = (bytes: Buffer): Buffer => Buffer.concat([zigzag(BigInt(bytes.length)), bytes]);

const refused = (name: string, bytes: () => Buffer): HostileCase => ({ name, codec: 'avro', bytes, code: 'decode_failed' });
/** Odd, and yet a value, within the bounds. */
const taken = (name: string, bytes: () => Buffer): HostileCase => ({ name, codec: 'avro', bytes, code: undefined });

export const avroCases: readonly HostileCase[] = [
  refused('no bytes', () => Buffer.alloc(0)),
  refused('truncated', () => of('longs', 5n, 1n, 2n)),
  refused('bytes behind the value', () => of('long', 5n, [0])),
  refused('5 bytes that claim 20,000,000 nulls', () => of('nulls', 20_000_000n, 0n)),
  refused('a block that claims 20,000,000 longs', () => of('longs', 20_000_000n, 0n)),
  refused('a block of 2^62 items', () => of('longs', 2n ** 62n, 0n)),
  refused('a block of -20,000,000 items', () => of('nulls', -20_000_000n, 0n, 0n)),
  refused('a block of -2^63 items', () => of('nulls', -(2n ** 63n), 0n, 0n)),
  taken('a block that lies about its bytes', () => of('longs', -2n, -5n, 7n, 8n, 0n)),
  taken('100,000 empty records in 5 bytes', () => of('empties', 100_000n, 0n)),
  refused('100,001 empty records in 5 bytes', () => of('empties', 100_001n, 0n)),
  refused('1,000,000 nulls in nested arrays', () =>
    of('grid', 1n, 1_000n, Buffer.concat(Array.from({ length: 1_000 }, () => Buffer.concat([zigzag(1_000n), zigzag(0n)]))), 0n, 0n),
  ),
  refused('100,000 deep by a union', () => of('deep', Buffer.alloc(100_000, 2), [0])),
  refused('100,000 deep by arrays', () => of('tree', Buffer.alloc(100_000, 2), Buffer.alloc(100_001, 0))),
  refused('10,000,000 deep by a union', () => of('deep', Buffer.alloc(10 * million, 2), [0])),
  refused('a map with the key __proto__', () => of('texts', 1n, text(Buffer.from('__proto__')), [0, 0])),
  refused('a map of 1,000,000 keys', () =>
    of(
      'texts',
      BigInt(million),
      keys(million, (i) => `k${String(i)}`),
      [0],
    ),
  ),
  taken('a map of 100,000 keys', () =>
    of(
      'texts',
      100_000n,
      keys(100_000, (i) => `k${String(i)}`),
      [0],
    ),
  ),
  taken('a map of 100,000 times one key', () =>
    of(
      'texts',
      100_000n,
      keys(100_000, () => 'k'),
      [0],
    ),
  ),
  refused('branch 99 of a union', () => zigzag(99n)),
  refused('branch -1 of a union', () => zigzag(-1n)),
  refused('branch 2^62 of a union', () => zigzag(2n ** 62n)),
  refused('symbol 2 of an enum of 2', () => of('kind', 2n)),
  refused('symbol -1 of an enum', () => of('kind', -1n)),
  refused('a decimal of 900,000 bytes', () => of('money', text(Buffer.alloc(900_000, 0x5a)))),
  taken('a decimal of 1,024 bytes, beyond its precision', () => of('money', text(Buffer.alloc(1_024, 0x5a)))),
  refused('a timestamp in the year 10^8', () => of('time', 2n ** 62n)),
  refused('a date in the year 6,000,000', () => of('date', 2n ** 31n - 1n)),
  refused('text that is not UTF-8', () => of('text', text(Buffer.of(0xc3, 0x28)))),
  refused('text with half a surrogate pair', () => of('text', text(Buffer.of(0xed, 0xa0, 0x80)))),
  refused('text of -1 bytes', () => of('text', -1n)),
  refused('text of 2^53 bytes', () => of('text', 2n ** 53n, [0x61])),
  refused('bytes that claim 1 GiB', () => of('blob', 2n ** 30n, [1, 2])),
  refused('an int of 33 bits', () => of('int', 2n ** 31n)),
  refused('a long of 11 bytes', () => of('long', Buffer.alloc(10, 0x80), [1])),
  refused('a long of 70 bits', () => of('long', Buffer.alloc(9, 0xff), [0x7f])),
  taken('a long that is longer than it must be', () => of('long', [0x80, 0x80, 0x80, 0])),
  refused('text of 100 MB', () => of('text', text(Buffer.alloc(100 * million, 0x61)))),
  taken('text of 8 MB, one character of which is wide', () => of('text', text(Buffer.from(`…${'a'.repeat(8 * million)}`)))),
];
