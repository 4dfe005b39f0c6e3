import { createReadStream } from 'node:fs';
import { RecordError, requireInteger } from 'millrace';

export interface ReadChunksOptions {
  /** 8,192 to 65,536. @defaultValue 65,536 */
  readonly chunkBytes?: number;
}

/** A file piece by piece. Holds one piece and one ahead; leaving early closes the file. */
export async function* readChunks(
  path: string | URL,
  { chunkBytes = 65_536 }: ReadChunksOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  requireInteger('readChunks.chunkBytes', chunkBytes, 8_192, 65_536);
  for await (const chunk of createReadStream(path, { highWaterMark: chunkBytes })) yield chunk as Uint8Array;
}

export interface LinesOptions {
  /** Bytes of one line; a longer one ends the reading with `record_too_large`. @defaultValue 16,777,216 (16 MiB) */
  readonly maxLineBytes?: number;
}

/** A line as it stands in its file. */
export interface NumberedLine {
  /** From 1, empty ones counted. */
  readonly number: number;
  /** Without its end; undefined where it is longer than `maxLineBytes`. */
  readonly bytes: Uint8Array | undefined;
}

const newline = 10;
const usualLineBytes = 16 * 2 ** 20;

/** The lines of a stream of UTF-8 bytes, without their ends and without empty ones; a byte order mark is left out. Holds one line. */
export async function* linesOf(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  { maxLineBytes = usualLineBytes }: LinesOptions = {},
): AsyncGenerator<string, void, undefined> {
  requireInteger('linesOf.maxLineBytes', maxLineBytes, 1);
  const decoder = new TextDecoder('utf-8'); // what is not UTF-8 becomes U+FFFD: one bad byte is not the end of a pile
  for await (const { number, bytes } of numberedLines(chunks, maxLineBytes)) {
    if (bytes === undefined)
      throw new RecordError(
        'record_too_large',
        `expected lines of at most ${String(maxLineBytes)} bytes, line ${String(number)} is longer`,
      );
    const line = decoder.decode(bytes).replace(/\r$/, '');
    if (line.trim() !== '') yield line;
  }
}

/** All lines of a stream of bytes, also empty ones; of one that is too long its number, as soon as that is known. Holds one line. */
export async function* numberedLines(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  maxLineBytes = usualLineBytes,
): AsyncGenerator<NumberedLine, void, undefined> {
  let parts: Uint8Array[] = [];
  let held = 0;
  let number = 1;
  /** True where that has made the line too long. */
  const hold = (part: Uint8Array): boolean => {
    if (held > maxLineBytes) return false;
    held += part.length;
    if (held > maxLineBytes) parts = [];
    else parts.push(part);
    return held > maxLineBytes;
  };
  for await (const chunk of chunks) {
    let from = 0;
    for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, from)) {
      if (hold(chunk.subarray(from, at))) yield { number, bytes: undefined };
      const [only = new Uint8Array()] = parts;
      if (held <= maxLineBytes) yield { number, bytes: parts.length > 1 ? Buffer.concat(parts) : only };
      [parts, held, from] = [[], 0, at + 1];
      number += 1;
    }
    // a copy: the stream's own buffer is larger
    if (from < chunk.length && hold(chunk.slice(from))) yield { number, bytes: undefined };
  }
  if (parts.length > 0) yield { number, bytes: Buffer.concat(parts) };
}
