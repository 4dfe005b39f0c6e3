import { constants, deflateRawSync, zstdCompressSync } from 'node:zlib';
import { longBytes } from '../../../src/codec/avro/file-blocks.ts';
import type { HostileCase } from './case.ts';

const magic = Buffer.from('Obj\u0001');
const sync = Buffer.from('0123456789abcdef');
const text = (value: string): Buffer => Buffer.concat([longBytes(Buffer.byteLength(value)), Buffer.from(value)]);
const entries = (...pairs: readonly (readonly [string, string])[]): Buffer =>
  Buffer.concat([magic, longBytes(pairs.length), ...pairs.flatMap((pair) => pair.map(text)), longBytes(0), sync]);
const header = (schema: unknown, codec = 'null'): Buffer => entries(['avro.schema', JSON.stringify(schema)], ['avro.codec', codec]);
const block = (values: number, data: Uint8Array): Buffer => Buffer.concat([longBytes(values), longBytes(data.length), data, sync]);
const file = (...parts: readonly Uint8Array[]): Buffer => Buffer.concat(parts);

const part = 16 * 1024 * 1024;
/** 1 GiB of zeros: sixty-four times the same. */
function deflated(): Buffer {
  const one = deflateRawSync(Buffer.alloc(part), { finishFlush: constants.Z_FULL_FLUSH });
  return Buffer.concat([...Array.from({ length: 64 }, () => one), deflateRawSync(Buffer.alloc(0))]);
}

const refused = (name: string, bytes: () => Buffer): HostileCase => ({ name, codec: 'avro file', bytes, code: 'decode_failed' });

/** Files are no records: these are only measured. */
export const fileCases: readonly HostileCase[] = [
  refused('no bytes', () => Buffer.alloc(0)),
  refused('another kind of file', () => Buffer.from('PAR1 and so on')),
  refused('a header that is cut off', () => header('int').subarray(0, -1)),
  refused('a header that claims 2^50 entries', () => file(magic, longBytes(2 ** 50))),
  refused('a header of an endless value', () => file(magic, longBytes(1), text('a'), longBytes(2 ** 45))),
  refused('a header of 5 MiB', () => entries(['a', 'x'.repeat(3e6)], ['b', 'x'.repeat(2e6)])),
  refused('a schema 100,000 deep', () =>
    entries(['avro.schema', `${'{"type":"array","items":'.repeat(100_000)}"int"${'}'.repeat(100_000)}`]),
  ),
  refused('a schema of 9,999 nested unions', () => entries(['avro.schema', `${'['.repeat(9_999)}"int"${']'.repeat(9_999)}`])),
  refused('a schema that is its own field', () =>
    file(header({ type: 'record', name: 'A', fields: [{ name: 'a', type: 'A' }] }), block(1, Buffer.of(0))),
  ),
  refused('1 GiB behind deflate', () => file(header('bytes', 'deflate'), block(1, deflated()))),
  refused('64 MiB behind zstandard', () => file(header('bytes', 'zstandard'), block(1, zstdCompressSync(Buffer.alloc(4 * part))))),
  refused('2^50 values of no bytes', () => file(header('null'), block(2 ** 50, Buffer.alloc(0)))),
  refused('a block of 2^50 bytes', () => file(header('int'), longBytes(1), longBytes(2 ** 50), Buffer.alloc(100))),
  refused('5 bytes that claim 20,000,000 nulls', () =>
    file(header({ type: 'array', items: 'null' }), block(1, file(longBytes(20_000_000), longBytes(0)))),
  ),
];
