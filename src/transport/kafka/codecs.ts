import { promisify } from 'node:util';
import { gzip, unzip, zstdCompress, zstdDecompress } from 'node:zlib';
import type * as KafkaJs from 'kafkajs';

/** What one compressed batch may grow to: 1 MiB of gzip can become 1 GiB, and all of it would be in memory at once. */
export const maxDecompressedBytes = 64 * 1024 * 1024;

const gzipAsync = promisify(gzip);
const unzipAsync = promisify(unzip);
const zstdCompressAsync = promisify(zstdCompress);
const zstdDecompressAsync = promisify(zstdDecompress);
const capped = { maxOutputLength: maxDecompressedBytes };

interface Encoded {
  readonly buffer: Buffer;
}

/** Codecs for gzip and zstd, capped. Snappy and lz4 are not in Node: such batches are told as undecodable, with this reason. */
export function installCodecs({ CompressionCodecs, CompressionTypes, KafkaJSNonRetriableError }: typeof KafkaJs): void {
  CompressionCodecs[CompressionTypes.GZIP] = () => ({
    compress: ({ buffer }: Encoded) => gzipAsync(buffer),
    decompress: (bytes: Buffer) => unzipAsync(bytes, capped),
  });
  CompressionCodecs[CompressionTypes.ZSTD] = () => ({
    compress: ({ buffer }: Encoded) => zstdCompressAsync(buffer),
    decompress: (bytes: Buffer) => zstdDecompressAsync(bytes, capped),
  });
  for (const [name, type] of [
    ['snappy', CompressionTypes.Snappy],
    ['lz4', CompressionTypes.LZ4],
  ] as const) {
    CompressionCodecs[type] = () => {
      throw new KafkaJSNonRetriableError(`compressed with ${name}, which is not supported (use gzip, zstd or none)`);
    };
  }
}
