import { extname } from 'node:path';
import type { Readable } from 'node:stream';
import type { DocumentContent, DocumentSource } from '../document-source.ts';
import type { Clock } from '../../clock.ts';
import { DocumentError } from '../../errors.ts';
import { asUtf8, isGzip, peeked, unpacked } from './byte-stream.ts';
import { csvRows } from './csv-rows.ts';
import { fileError, openFile, unpack, wholeFile } from './file-bytes.ts';
import { jsonlRows } from './jsonl-rows.ts';
import { parquetRows } from './parquet-rows.ts';

export const pileFormats = ['auto', 'file', 'jsonl', 'csv', 'parquet'] as const;
export type PileFormat = (typeof pileFormats)[number];
type Format = Exclude<PileFormat, 'auto'>;

export interface FileSettings {
  readonly format: PileFormat;
  readonly textField: string | undefined;
  readonly encoding: string | undefined;
  readonly delimiter: string | undefined;
  readonly maxBytes: number;
  readonly maxRowBytes: number;
  readonly maxGroupBytes: number;
  readonly timeoutMs: number;
  readonly clock: Clock;
}

const byExtension: Readonly<Record<string, Format>> = {
  '.jsonl': 'jsonl',
  '.ndjson': 'jsonl',
  '.csv': 'csv',
  '.tsv': 'csv',
  '.parquet': 'parquet',
};
const formatOf = (id: string, given: PileFormat): Format =>
  given === 'auto' ? (byExtension[extname(id.replace(/\.gz$/i, '')).toLowerCase()] ?? 'file') : given;

/** The documents of a file at `path`, told as `id`. What cannot be opened is one document that cannot be read. */
export async function* fileSources(path: string, id: string, settings: FileSettings): AsyncGenerator<DocumentSource, undefined> {
  const name = id.slice(id.lastIndexOf('/') + 1);
  const format = formatOf(id, settings.format);
  if (format === 'file') {
    yield { id, name, read: async () => ({ bytes: await wholeFile(await openFile(path, id, false), id, settings.maxBytes) }) };
    return undefined;
  }
  try {
    yield* rowsOfFile(path, { ...settings, id, name }, format);
  } catch (error) {
    const failure = fileError(id, error);
    yield { id: `${id}:end`, name, read: () => Promise.reject(failure) };
  }
  return undefined;
}

interface Rows extends FileSettings {
  readonly id: string;
  readonly name: string;
}

async function* rowsOfFile(path: string, settings: Rows, format: Exclude<Format, 'file'>): AsyncGenerator<DocumentSource, undefined> {
  const opened = await openFile(path, settings.id, false);
  try {
    const isPacked = settings.id.toLowerCase().endsWith('.gz');
    if (format === 'parquet' && !isPacked) yield* parquetRows(opened.file.fd, settings);
    else yield* rowsOf(opened.file.createReadStream({ autoClose: false, highWaterMark: 256 * 1024 }), settings, format);
  } finally {
    await opened.file.close();
  }
  return undefined;
}

async function* rowsOf(
  source: AsyncIterable<Uint8Array>,
  settings: Rows,
  format: Exclude<Format, 'file'>,
): AsyncGenerator<DocumentSource, undefined> {
  const { first, bytes } = await peeked(source, 'line');
  const plain = isGzip(first) ? unpacked(bytes) : bytes;
  if (format === 'jsonl') yield* jsonlRows(asUtf8(plain, settings.encoding), settings);
  else if (format === 'csv') yield* csvRows(asUtf8(plain, settings.encoding), settings);
  else yield* parquetRows(await collected(plain, settings), settings);
  return undefined;
}

async function collected(source: AsyncIterable<Uint8Array>, { id, maxBytes }: Rows): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of source) {
    pieces.push(piece);
    length += piece.length;
    if (length > maxBytes)
      throw new DocumentError(
        `${id}: expected at most ${String(maxBytes)} bytes, as it must be held as a whole, got more; write it to a file that is not packed, or raise maxBytes`,
      );
  }
  return Buffer.concat(pieces);
}

/** The documents of a stream: rows where it is told or begins like them, else one. */
export async function* streamSources(stream: Readable, name: string, settings: FileSettings): AsyncGenerator<DocumentSource, undefined> {
  const rows: Rows = { ...settings, id: name, name };
  try {
    const { first, bytes } = await peeked(stream as AsyncIterable<Uint8Array>, 'line');
    const looked = formatOf(name, settings.format);
    const format = looked === 'file' && settings.format === 'auto' ? seenFormat(first) : looked;
    if (format === 'file') {
      const whole = await collected(bytes, rows);
      const content: DocumentContent = { bytes: isGzip(whole) ? await unpack(whole, name, settings.maxBytes) : whole };
      yield { id: name, name, read: () => Promise.resolve(content) };
    } else yield* rowsOf(bytes, rows, format);
  } catch (error) {
    throw fileError(name, error);
  } finally {
    stream.destroy();
  }
  return undefined;
}

/** A stream has no name to go by: its first line is looked at. */
function seenFormat(first: Buffer): Format {
  if (first.subarray(0, 4).equals(Buffer.from('PAR1'))) return 'parquet';
  const line = first
    .subarray(0, Math.max(0, first.indexOf(10)))
    .toString()
    .trim();
  if (!line.startsWith('{')) return 'file';
  try {
    JSON.parse(line);
    return 'jsonl';
  } catch {
    return 'file';
  }
}
