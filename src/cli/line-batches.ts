import { createReadStream } from 'node:fs';
import { messageOf, OptionError } from '../errors.ts';

/** A line without its end; `number` counts from 1. */
export interface InputLine {
  readonly number: number;
  readonly bytes: Uint8Array;
}

/** The largest record that a broker takes by its defaults is 1 MiB; a line above this is no line. */
const maxLineBytes = 16 * 1024 * 1024;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/**
 * The lines of a stream, in batches as they arrive, so that somebody who types is heard at once. Ends of lines are LF
 * or CRLF; the last line needs none. Holds one chunk and one line, at most 16 MiB.
 * @throws Error for a longer line, naming it
 */
export async function* lineBatches(source: AsyncIterable<Uint8Array>): AsyncGenerator<readonly InputLine[]> {
  let number = 0;
  let begun: Uint8Array[] = [];
  let begunBytes = 0;
  const end = (rest: Uint8Array): InputLine => {
    const line = begun.length === 0 ? rest : Buffer.concat([...begun, rest]);
    begun = [];
    begunBytes = 0;
    number += 1;
    return { number, bytes: line.at(-1) === carriageReturn ? line.subarray(0, -1) : line };
  };
  for await (const chunk of source) {
    const batch: InputLine[] = [];
    let from = 0;
    for (let at = chunk.indexOf(lineFeed); at >= 0; at = chunk.indexOf(lineFeed, from)) {
      batch.push(end(chunk.subarray(from, at)));
      from = at + 1;
    }
    const rest = chunk.subarray(from);
    begunBytes += rest.length;
    if (begunBytes > maxLineBytes)
      throw new Error(`line ${String(number + 1)} is longer than ${String(maxLineBytes)} bytes: is this a file of lines?`);
    if (rest.length > 0) begun.push(rest);
    if (batch.length > 0) yield batch;
  }
  if (begun.length > 0) yield [end(new Uint8Array())];
}

/** The bytes of a file, or of stdin for `-`. @throws OptionError for a file that cannot be read. */
export async function* openInput(path: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const stream = path === '-' ? process.stdin : createReadStream(path);
  const onAbort = (): void => {
    stream.destroy();
  };
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    for await (const chunk of stream) yield chunk as Uint8Array;
  } catch (error) {
    if (signal.aborted) return;
    throw new OptionError(`cannot read ${path === '-' ? 'stdin' : path}: ${messageOf(error)}`, { cause: error });
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
