import type { ErrorCode } from '../../../src/errors.ts';
import { of, zigzag } from './avro-cases.ts';
import type { HostileCase } from './case.ts';

/** What the registry of the proof gives its schemas. */
export const ids = { avro: 1, json: 2, unknown: 77 } as const;

/** Behind a frame that names a schema. */
export function frame(id: number, bytes: Uint8Array = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(5);
  head.writeInt32BE(id, 1);
  return Buffer.concat([head, bytes]);
}

const rowOf =
  (codec: HostileCase['codec']) =>
  (name: string, bytes: () => Buffer, code: ErrorCode | 'a value' = 'decode_failed'): HostileCase => ({
    ...{ name, codec, bytes },
    code: code === 'a value' ? undefined : code,
  });
const avro = rowOf('avro framed');
const json = rowOf('json schema framed');
const text = (given: string): Buffer => frame(ids.json, Buffer.from(given));
const million = 1_000_000;

/** Of any codec with a registry. */
const frames = (row: ReturnType<typeof rowOf>, own: number, other: number): readonly HostileCase[] => [
  row('no bytes', () => Buffer.alloc(0)),
  row('half a frame', () => frame(own).subarray(0, 4)),
  row('a frame and nothing', () => frame(own)),
  row('a wrong first byte', () => Buffer.concat([Buffer.of(1), frame(own, Buffer.alloc(8)).subarray(1)])),
  row('no frame, but plain JSON', () => Buffer.from('{"id":1}')),
  row('an id that the registry answers with 404', () => frame(ids.unknown, Buffer.alloc(8))),
  row('the id -1', () => frame(-1, Buffer.alloc(8))),
  row('the id 2^31 - 1', () => frame(2 ** 31 - 1, Buffer.alloc(8))),
  row('the id of a schema of another kind', () => frame(other, Buffer.alloc(8)), 'schema_violation'),
];

export const framedCases: readonly HostileCase[] = [
  ...frames(avro, ids.avro, ids.json),
  avro('5 bytes that claim 20,000,000 nulls', () => frame(ids.avro, of('nulls', 20_000_000n, 0n))),
  avro('100,000 deep by a union', () => frame(ids.avro, of('deep', Buffer.alloc(100_000, 2), [0]))),
  avro('10,000,000 deep by a union', () => frame(ids.avro, of('deep', Buffer.alloc(10 * million, 2), [0]))),
  avro('branch 99 of a union', () => frame(ids.avro, zigzag(99n))),
  avro('bytes behind the value', () => frame(ids.avro, of('long', 5n, [0]))),
  avro('100,000 empty records in 5 bytes', () => frame(ids.avro, of('empties', 100_000n, 0n)), 'a value'),
  ...frames(json, ids.json, ids.avro),
  json('lists 100,000 deep', () => text('['.repeat(100_000) + ']'.repeat(100_000))),
  json('1,000,000 items', () => text(`[${'0,'.repeat(million)}0]`)),
  json('1,000,000 keys', () => text(`{${Array.from({ length: million }, (_, i) => `"k${String(i)}":1`).join(',')}}`)),
  json('the key __proto__', () => text('{"__proto__":{"admin":true}}')),
  json('text that is not UTF-8', () => frame(ids.json, Buffer.of(0x22, 0xc3, 0x28, 0x22))),
  json('what its schema refuses', () => text('["1"]'), 'schema_violation'),
  json('39,998 values that its schema refuses', () => text(`[${'"",'.repeat(39_997)}""]`), 'schema_violation'),
  json('39,999 numbers', () => text(`[${'0,'.repeat(39_998)}0]`), 'a value'),
];
