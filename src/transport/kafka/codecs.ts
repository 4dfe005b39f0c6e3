import { promisify } from 'node:util';
import { gunzip, gzip, unzip, zstdCompress, zstdDecompress } from 'node:zlib';
import type * as KafkaJs from 'kafkajs';
import { lz4Decompress } from './lz4.ts';
import { snappyDecompress } from './snappy.ts';

const gzipAsync = promisify(gzip);
const gunzipAsync = promisify(gunzip);
const zstdCompressAsync = promisify(zstdCompress);
const zstdDecompressAsync = promisify(zstdDecompress);

export const codecNames = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;

export type CodecName = (typeof codecNames)[number];

/**
 * Decompresses a batch's records. Gzip says at its end how long it is, snappy at its beginning, lz4 is added up before;
 * what says nothing, or lies, is stopped at `limit`, which is then the most that is held.
 * @throws RangeError for more than `limit` bytes, and whatever a codec says of bytes that are not its own
 */
export async function decompress(codec: CodecName, bytes: Buffer, limit: number): Promise<Buffer> {
  switch (codec) {
    case 'none':
      return bytes;
    case 'snappy':
      return snappyDecompress(bytes, limit);
    case 'lz4':
      return lz4Decompress(bytes, limit);
    case 'gzip':
      // its last four bytes: the length modulo 2^32, never more than there is
      if (bytes.length >= 4 && bytes.readUInt32LE(bytes.length - 4) > limit) throw tooLarge(limit);
      return capped(gunzipAsync, bytes, limit);
    case 'zstd':
      return capped(zstdDecompressAsync, bytes, limit);
  }
}

const tooLarge = (limit: number): RangeError => new RangeError(`would grow beyond ${String(limit)} bytes`);

type Inflate = (bytes: Buffer, options: { readonly maxOutputLength: number; readonly chunkSize: number }) => Promise<Buffer>;

/** Every piece is a way to another thread and back (zlib's own are of 16 KiB), and most batches fit in one. */
const pieceFor = (bytes: Buffer): number => Math.min(1024 * 1024, Math.max(1024, bytes.length * 8));

async function capped(inflate: Inflate, bytes: Buffer, limit: number): Promise<Buffer> {
  try {
    return await inflate(bytes, { maxOutputLength: limit, chunkSize: pieceFor(bytes) });
  } catch (error) {
    throw error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE' ? tooLarge(limit) : error;
  }
}

interface Encoded {
  readonly buffer: Buffer;
}

const unzipAsync = promisify(unzip);

/** What kafkajs itself asks codecs for: to write batches, and to read what was written before Kafka 0.11. */
export function installCodecs(
  { CompressionCodecs, CompressionTypes, KafkaJSNonRetriableError }: typeof KafkaJs,
  limit: () => number,
): void {
  const only = (name: string) => (): never => {
    throw new KafkaJSNonRetriableError(`${name} is read and not written here: use gzip, zstd or none`);
  };
  CompressionCodecs[CompressionTypes.GZIP] = () => ({
    compress: ({ buffer }: Encoded) => gzipAsync(buffer),
    decompress: (bytes: Buffer) => capped(unzipAsync, bytes, limit()),
  });
  CompressionCodecs[CompressionTypes.ZSTD] = () => ({
    compress: ({ buffer }: Encoded) => zstdCompressAsync(buffer),
    decompress: (bytes: Buffer) => decompress('zstd', bytes, limit()),
  });
  CompressionCodecs[CompressionTypes.Snappy] = () => ({
    compress: only('snappy'),
    decompress: (bytes: Buffer) => decompress('snappy', bytes, limit()),
  });
  CompressionCodecs[CompressionTypes.LZ4] = () => ({
    compress: only('lz4'),
    decompress: (bytes: Buffer) => decompress('lz4', bytes, limit()),
  });
}
