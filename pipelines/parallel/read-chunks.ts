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

const newline = 10;

/** The lines of a stream of UTF-8 bytes, without their ends and without empty ones; a byte order mark is left out. Holds one line. */
export async function* linesOf(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  { maxLineBytes = 16 * 2 ** 20 }: LinesOptions = {},
): AsyncGenerator<string, void, undefined> {
  requireInteger('linesOf.maxLineBytes', maxLineBytes, 1);
  const decoder = new TextDecoder('utf-8'); // what is not UTF-8 becomes U+FFFD: one bad byte is not the end of a pile
  let parts: Uint8Array[] = [];
  let held = 0;
  let nth = 0;
  const take = (last: Uint8Array): string => {
    const line = decoder.decode(parts.length === 0 ? last : Buffer.concat([...parts, last])).replace(/\r$/, '');
    parts = [];
    held = 0;
    nth += 1;
    return line;
  };
  const hold = (bytes: number): void => {
    held += bytes;
    if (held > maxLineBytes)
      throw new RecordError(
        'record_too_large',
        `expected lines of at most ${String(maxLineBytes)} bytes, line ${String(nth + 1)} is longer`,
      );
  };
  for await (const chunk of chunks) {
    let from = 0;
    for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, from)) {
      hold(at - from);
      const line = take(chunk.subarray(from, at));
      from = at + 1;
      if (line.trim() !== '') yield line;
    }
    if (from === chunk.length) continue;
    hold(chunk.length - from);
    parts.push(chunk.slice(from)); // a copy: the stream's own buffer is larger
  }
  const rest = take(new Uint8Array());
  if (rest.trim() !== '') yield rest;
}
