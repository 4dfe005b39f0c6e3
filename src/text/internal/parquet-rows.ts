import type { FileHandle } from 'node:fs/promises';
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import type { AsyncBuffer, Compressors, FileMetaData } from 'hyparquet';
import type { DocumentSource } from '../document-source.ts';
import { DocumentError, messageOf } from '../../errors.ts';
import type { RowSettings } from './jsonl-rows.ts';
import { rowContent } from './row-content.ts';

export interface ParquetSettings extends RowSettings {
  /** The most bytes of a row group, unpacked: one is held at a time. */
  readonly maxGroupBytes: number;
}

/** A file, or bytes, as hyparquet asks for them. */
export function ofFile(file: FileHandle, size: number): AsyncBuffer {
  return {
    byteLength: size,
    slice: async (start, end = size) => {
      const wanted = new ArrayBuffer(Math.max(0, end - start));
      let held = 0;
      while (held < wanted.byteLength) {
        const { bytesRead } = await file.read(new Uint8Array(wanted), held, wanted.byteLength - held, start + held);
        if (bytesRead === 0) throw new Error(`the file ends at byte ${String(start + held)}`);
        held += bytesRead;
      }
      return wanted;
    },
  };
}

export const ofBytes = (bytes: Uint8Array): AsyncBuffer => ({
  byteLength: bytes.length,
  slice: (start, end) => new Uint8Array(bytes.subarray(start, end)).buffer,
});

/** Node's own, which unpack no more than a page says that it has; LZ4, which Node has not, from a package. */
async function compressorsFor(metadata: FileMetaData): Promise<Compressors> {
  const codecs = new Set(metadata.row_groups.flatMap(({ columns }) => columns.map((column) => column.meta_data?.codec)));
  const own: Compressors = {
    GZIP: (input, maxOutputLength) => gunzipSync(input, { maxOutputLength }),
    BROTLI: (input, maxOutputLength) => brotliDecompressSync(input, { maxOutputLength }),
    ZSTD: (input, maxOutputLength) => zstdDecompressSync(input, { maxOutputLength }),
  };
  if (!codecs.has('LZ4') && !codecs.has('LZ4_RAW')) return own;
  const { decompressLz4, decompressLz4Raw } = await import('hyparquet-compressors');
  return { ...own, LZ4: decompressLz4, LZ4_RAW: decompressLz4Raw };
}

/** What JSON can hold: integers beyond its own as text, times as ISO 8601, bytes as base64. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64');
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, plain(one)]));
  return value;
}

/** A document a row; row groups are read one at a time. A group that cannot be read is one document that cannot be read, and the next group goes on. */
export async function* parquetRows(file: AsyncBuffer, settings: ParquetSettings): AsyncGenerator<DocumentSource, undefined> {
  const { id, name, maxGroupBytes } = settings;
  const { parquetMetadataAsync, parquetReadObjects } = await import('hyparquet');
  const metadata = await parquetMetadataAsync(file).catch((error: unknown) => {
    throw new DocumentError(`${id}: expected a Parquet file, got one whose footer cannot be read (${messageOf(error)}); write it anew`, {
      cause: error,
    });
  });
  const compressors = await compressorsFor(metadata);
  let first = 0;
  for (const group of metadata.row_groups) {
    const [from, to] = [first, first + Number(group.num_rows)];
    first = to;
    try {
      const bytes = Number(group.total_byte_size);
      if (bytes > maxGroupBytes)
        throw new Error(
          `it has ${String(bytes)} bytes, at most ${String(maxGroupBytes)} are read at once; write smaller row groups, or raise maxGroupBytes`,
        );
      const rows = await parquetReadObjects({ file, metadata, compressors, rowStart: from, rowEnd: to });
      for (const [index, row] of rows.entries()) yield sourceOf(row, from + index + 1, settings);
    } catch (error) {
      const failure = new DocumentError(`${id}: the rows from ${String(from + 1)} to ${String(to)} cannot be read (${messageOf(error)})`, {
        cause: error,
      });
      yield { id: `${id}#${String(from + 1)}-${String(to)}`, name, line: from + 1, read: () => Promise.reject(failure) };
    }
  }
  return undefined;
}

function sourceOf(row: unknown, number: number, { id, name, textField }: ParquetSettings): DocumentSource {
  const where = `${id}#${String(number)}`;
  return { id: where, name, line: number, read: () => Promise.resolve().then(() => rowContent(plain(row), where, textField)) };
}
