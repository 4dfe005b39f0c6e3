import { fstatSync, readFileSync, readSync, writeSync } from 'node:fs';
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import type { AsyncBuffer, Compressors, FileMetaData } from 'hyparquet';
import { messageOf } from '../../errors.ts';
import { watchReader } from './watch-reader.ts';

/*
 * The process that Parquet is read in: what a file does to its reader ends with it, be it a loop without end or an array that V8 aborts for. The file is descriptor 3; rows leave as lines on standard
 * output, which blocks while nobody takes them: that is the back pressure. A line begins with what it is (`ParquetLine`).
 */
const [output, input] = [1, 3];
const pieceUnits = 256 * 1024;
const leastAtOnce = 64 * 1024 * 1024; // of footers

let lines: string[] = [];
let units = 0;

function flush(): void {
  const bytes = Buffer.from(lines.join(''));
  [lines, units] = [[], 0];
  for (let at = 0; at < bytes.length; ) at += writeSync(output, bytes, at);
}

function say(kind: 'g' | 'r' | 'p' | 'x' | 'f', value: unknown): void {
  const line = `${kind}${JSON.stringify(value)}\n`;
  lines.push(line);
  units += line.length;
  if (units >= pieceUnits) flush();
}

function fileOf(maxBytes: number): AsyncBuffer {
  const stats = fstatSync(input);
  if (!stats.isFile()) {
    const bytes = readFileSync(input);
    return { byteLength: bytes.length, slice: (start, end) => new Uint8Array(bytes.subarray(start, end)).buffer };
  }
  const { size } = stats;
  return {
    byteLength: size,
    slice: (start, end = size) => {
      if (!(start >= 0 && start <= end && end <= size)) throw new Error(`bytes ${String(start)} to ${String(end)} are not in the file`);
      if (end - start > Math.max(maxBytes, leastAtOnce)) throw new Error(`a column of ${String(end - start)} bytes is to be read at once`);
      const bytes = new Uint8Array(end - start);
      for (let held = 0; held < bytes.length; ) {
        const count = readSync(input, bytes, held, bytes.length - held, start + held);
        if (count === 0) throw new Error(`the file ends at byte ${String(start + held)}`);
        held += count;
      }
      return bytes.buffer;
    },
  };
}

/** Node's own, which unpack no more than a page says that it has; LZ4, which Node has not, from a package. */
async function compressorsFor(metadata: FileMetaData): Promise<Compressors> {
  const codecs = new Set(metadata.row_groups.flatMap(({ columns }) => columns.map((column) => column.meta_data?.codec)));
  const own: Compressors = {
    GZIP: (bytes, maxOutputLength) => gunzipSync(bytes, { maxOutputLength }),
    BROTLI: (bytes, maxOutputLength) => brotliDecompressSync(bytes, { maxOutputLength }),
    ZSTD: (bytes, maxOutputLength) => zstdDecompressSync(bytes, { maxOutputLength }),
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

/** The values of a column in a row group, in the pieces that they were decoded in. */
class Column {
  readonly name: string;
  readonly #pieces: { readonly start: number; readonly values: ArrayLike<unknown> }[] = [];
  #piece = 0;

  constructor(name: string) {
    this.name = name;
  }

  add(start: number, values: ArrayLike<unknown>): void {
    this.#pieces.push({ start, values });
  }

  /** The value in a row; rows are asked for in their order. */
  at(row: number): unknown {
    for (; this.#piece < this.#pieces.length; this.#piece += 1) {
      const { start, values } = this.#pieces[this.#piece] ?? { start: 0, values: [] };
      if (row < start + values.length) return values[row - start];
    }
    throw new Error(`the column ${JSON.stringify(this.name)} ends before row ${String(row + 1)}`);
  }
}

async function readAll(fromGroup: number, maxGroupBytes: number): Promise<void> {
  const { parquetMetadataAsync, parquetRead, parquetSchema } = await import('hyparquet');
  const file = fileOf(maxGroupBytes);
  const metadata = await parquetMetadataAsync(file);
  const compressors = await compressorsFor(metadata);
  const names = parquetSchema(metadata).children.map(({ element }) => element.name);
  const readGroup = async (from: number, to: number, bytes: number): Promise<void> => {
    if (bytes > maxGroupBytes)
      throw new Error(
        `it has ${String(bytes)} bytes, at most ${String(maxGroupBytes)} are read at once; write smaller row groups, or raise maxGroupBytes`,
      );
    const columns = new Map(names.map((name) => [name, new Column(name)]));
    await parquetRead({
      ...{ file, metadata, compressors, rowStart: from, rowEnd: to },
      onChunk: ({ columnName, columnData, rowStart }) => columns.get(columnName)?.add(rowStart, columnData),
    });
    for (let row = from; row < to; row += 1) sayRow([...columns.values()], row);
  };
  let first = 0;
  for (const [index, group] of metadata.row_groups.entries()) {
    const [from, to] = [first, first + Number(group.num_rows)];
    if (!Number.isSafeInteger(to) || to < from) throw new Error(`a row group of ${String(group.num_rows)} rows`);
    first = to;
    if (index < fromGroup) continue;
    say('g', [from, to]);
    flush();
    await readGroup(from, to, Number(group.total_byte_size)).catch((error: unknown) => say('x', messageOf(error)));
  }
}

function sayRow(columns: readonly Column[], row: number): void {
  const values = columns.map((column) => [column.name, column.at(row)] as const);
  try {
    say('r', plain(Object.fromEntries(values)));
  } catch (error) {
    say('p', messageOf(error)); // levels without end
  }
}

const [maxMemoryBytes = 0, fromGroup = 0, maxGroupBytes = 0] = process.argv.slice(2).map(Number);
watchReader(maxMemoryBytes);
await readAll(fromGroup, maxGroupBytes).catch((error: unknown) => say('f', messageOf(error)));
flush();
process.exit(); // the thread beside it does not end by itself
