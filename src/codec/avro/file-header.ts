import { isUtf8 } from 'node:buffer';
import { CodecError } from '../../errors.ts';
import { exactJson, parseExactJson } from '../internal/exact-json.ts';
import { requireBounded } from '../internal/json-bounds.ts';
import type { AvroSchema } from './avro-schema.ts';
import type { ByteSource } from './byte-source.ts';
import { type AvroFileCodec, fileCodecs, longAt, longBytes, syncBytes } from './file-blocks.ts';

/** What stands at the beginning of an Avro object container file. */
export interface AvroFileHeader {
  /** Which the values were written with, as it stands in the file. */
  readonly schema: AvroSchema;
  readonly codec: AvroFileCodec;
  /** What others have written beside it: names that do not begin with `avro.`, and their bytes. */
  readonly metadata: ReadonlyMap<string, Uint8Array>;
}

/** A header with what only its reader needs. */
export interface ReadHeader extends AvroFileHeader {
  /** Stands behind each block. */
  readonly sync: Buffer;
}

const magic = Buffer.from('Obj\u0001', 'latin1');
const mostBytes = 4 * 1024 * 1024; // of a header: what a registry's schema may have
const mostEntries = 10_000;
const schemaKey = 'avro.schema';
const codecKey = 'avro.codec';

const refused = (expected: string): CodecError => new CodecError('decode_failed', `expected ${expected}`);

/** @throws CodecError `decode_failed` for what is no header, or one of more than 4 MiB or 10,000 entries */
export async function readHeader(source: ByteSource): Promise<ReadHeader> {
  for (let want = 4_096; ; want *= 2) {
    const isAll = !(await source.fill(want));
    const found = parse(source.held);
    if (found && found.end <= mostBytes) {
      const header = headerOf(found);
      source.skip(found.end);
      return header;
    }
    if (found || want > mostBytes) throw refused(`a header of an Avro file of at most ${String(mostBytes)} bytes`);
    if (isAll) throw refused('an Avro file, got one that ends within its header');
  }
}

interface Parsed {
  readonly entries: ReadonlyMap<string, Buffer>;
  readonly sync: Buffer;
  readonly end: number;
}

/** Undefined: more bytes are needed. */
function parse(bytes: Buffer): Parsed | undefined {
  if (!magic.subarray(0, bytes.length).equals(bytes.subarray(0, magic.length)))
    throw refused('an Avro file, which begins with Obj and a one, got something else');
  const entries = new Map<string, Buffer>();
  let at = magic.length;
  for (;;) {
    const block = longAt(bytes, at);
    if (!block) return undefined;
    at = block.end;
    if (block.value === 0) break;
    if (block.value < 0) {
      const length = longAt(bytes, at);
      if (!length) return undefined;
      if (length.value < 0) throw refused('a header of an Avro file, got a negative length in it');
      at = length.end;
    }
    if (entries.size + Math.abs(block.value) > mostEntries) throw refused(`a header of at most ${String(mostEntries)} entries`);
    for (let left = Math.abs(block.value); left > 0; left -= 1) {
      const key = bytesAt(bytes, at);
      const value = key && bytesAt(bytes, key.end);
      if (!value) return undefined;
      add(entries, key.bytes, value.bytes);
      at = value.end;
    }
  }
  const end = at + syncBytes;
  return end > bytes.length ? undefined : { entries, sync: Buffer.from(bytes.subarray(at, end)), end };
}

function bytesAt(bytes: Buffer, at: number): { readonly bytes: Buffer; readonly end: number } | undefined {
  const length = longAt(bytes, at);
  if (!length) return undefined;
  if (length.value < 0) throw refused('a header of an Avro file, got a negative length in it');
  if (length.value > mostBytes) throw refused(`a header of an Avro file of at most ${String(mostBytes)} bytes`);
  const end = length.end + length.value;
  return end > bytes.length ? undefined : { bytes: bytes.subarray(length.end, end), end };
}

function add(entries: Map<string, Buffer>, key: Buffer, value: Buffer): void {
  if (!isUtf8(key)) throw refused('names in a header to be text in UTF-8');
  const name = key.toString();
  if (entries.has(name)) throw refused('a header of an Avro file that names nothing twice');
  entries.set(name, Buffer.from(value)); // a copy: the chunk it lies in may be large
}

function headerOf({ entries, sync }: Parsed): ReadHeader {
  const text = entries.get(schemaKey);
  if (!text || !isUtf8(text)) throw refused('a header of an Avro file with a schema in it');
  const codec = entries.get(codecKey)?.toString() ?? 'null';
  const known = fileCodecs.find((one) => one === codec);
  if (known === undefined)
    throw refused(`an Avro file packed with ${fileCodecs.join(', ')}, got one of another codec: ${JSON.stringify(codec.slice(0, 40))}`);
  const metadata = new Map([...entries].filter(([name]) => !isReserved(name)));
  return { schema: schemaOf(text), codec: known, metadata, sync };
}

export const isReserved = (name: string): boolean => name.startsWith('avro.');

const schemaBounds = { maxDepth: 250, maxItems: 1_000_000 }; // more than a schema may have; what is far more takes a while to be parsed

function schemaOf(text: Buffer): AvroSchema {
  requireBounded(text.toString(), schemaBounds, 'decode_failed');
  try {
    return parseExactJson(text.toString()) as AvroSchema;
  } catch {
    throw refused('the schema of an Avro file to be JSON');
  }
}

export function headerBytes({ schema, codec, metadata, sync }: ReadHeader): Buffer {
  const entries: readonly (readonly [string, Uint8Array])[] = [
    [schemaKey, Buffer.from(exactJson(schema))],
    [codecKey, Buffer.from(codec)],
    ...metadata,
  ];
  const parts = entries.flatMap(([name, value]) => {
    const key = Buffer.from(name);
    return [longBytes(key.length), key, longBytes(value.length), value];
  });
  return Buffer.concat([magic, longBytes(entries.length), ...parts, longBytes(0), sync]);
}
