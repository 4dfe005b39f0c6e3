import { promisify } from 'node:util';
import { deflateRaw, inflateRaw, zstdCompress, zstdDecompress } from 'node:zlib';
import { CodecError } from '../../errors.ts';

/** What blocks are packed with. */
export type AvroFileCodec = 'null' | 'deflate' | 'zstandard';

export const fileCodecs: readonly AvroFileCodec[] = ['null', 'deflate', 'zstandard'];

const [deflated, inflated, zstdPacked, zstdUnpacked] = [
  promisify<Buffer, Buffer>(deflateRaw),
  promisify<Buffer, { readonly maxOutputLength: number; readonly chunkSize: number }, Buffer>(inflateRaw),
  promisify<Buffer, Buffer>(zstdCompress),
  promisify<Buffer, { readonly maxOutputLength: number; readonly chunkSize: number }, Buffer>(zstdDecompress),
];

const chunkSize = 128 * 1024; // a way to another thread and back for each

export const syncBytes = 16;

export async function packed(codec: AvroFileCodec, bytes: Buffer): Promise<Buffer> {
  if (codec === 'null') return bytes;
  return codec === 'deflate' ? deflated(bytes) : zstdPacked(bytes);
}

/**
 * Stops where it has become `most` bytes. Bytes behind the end of what is packed are passed over: Apache's Avro for Python leaves some of a checksum there.
 * @throws CodecError `decode_failed`
 */
export async function unpacked(codec: AvroFileCodec, bytes: Buffer, most: number): Promise<Buffer> {
  if (codec === 'null') return bytes;
  try {
    return await (codec === 'deflate' ? inflated : zstdUnpacked)(bytes, { maxOutputLength: most, chunkSize });
  } catch (error) {
    const isTooLarge = error instanceof RangeError && Reflect.get(error, 'code') === 'ERR_BUFFER_TOO_LARGE';
    throw isTooLarge ? blockTooLarge(most) : new CodecError('decode_failed', `expected a block packed with ${codec}, got what is none`);
  }
}

export const blockTooLarge = (most: number): CodecError =>
  new CodecError('decode_failed', `expected blocks of at most ${String(most)} bytes, got more: raise maxBlockBytes if they are meant`);

/** A count or a length of these bytes, and where it ends; undefined: more bytes are needed. Negative ones are given as they are. @throws CodecError for one above 2^53 */
export function longAt(bytes: Uint8Array, at: number): { readonly value: number; readonly end: number } | undefined {
  let value = 0;
  let scale = 1;
  for (let i = at; i < bytes.length; i += 1) {
    const byte = bytes[i] as number;
    value += (byte & 0x7f) * scale;
    scale *= 0x80;
    if (value > Number.MAX_SAFE_INTEGER || i - at > 8) throw new CodecError('decode_failed', 'expected a length, got a number above 2^53');
    if (byte < 0x80) return { value: value % 2 === 0 ? value / 2 : -(value + 1) / 2, end: i + 1 };
  }
  return undefined;
}

/** The other way, for what is not negative. */
export function longBytes(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value * 2;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
}
