import { isUtf8 } from 'node:buffer';
import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { createGunzip } from 'node:zlib';
import { pipeline, Readable } from 'node:stream';
import { decodeText, isStreamError, messageOf, OptionError } from 'millrace';
import { type NumberedLine, numberedLines, readChunks } from './read-chunks.ts';

/** A line that may be a task. */
export interface TaskLine {
  /** From 1, empty ones counted. */
  readonly number: number;
  /** For people: `rows.jsonl:7`. */
  readonly where: string;
  /** Undefined where there is a `problem`. */
  readonly text: string | undefined;
  /** Why it cannot be read. */
  readonly problem?: string;
  /** Whether nothing but JSON will do. */
  readonly isRow: boolean;
  /** Of the file, its end included. */
  readonly bytes: number;
}

export interface TaskLines {
  readonly lines: AsyncIterable<TaskLine>;
  /** Of all lines; undefined where nobody knows, as for stdin. */
  readonly bytes: number | undefined;
}

const rowNames = /\.(jsonl|ndjson|json)(\.gz)?$/i;
const maxLineBytes = 16 * 2 ** 20;

/**
 * The lines of a file, or of stdin (`-`), that are not empty: of any encoding, also gzipped. In files that are named like JSON every line must be some, and in what has no ending to go by when the first line
 * is an object. A line that cannot be read is told, and the others go on. Holds one line and a piece of the file.
 * @throws OptionError where there is no file, and for one that holds no text; and what `signal` says, before there is anything to be read.
 */
export async function taskLines(path: string, stdin: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<TaskLines> {
  const isStdin = path === '-';
  const size = isStdin ? undefined : await sizeOf(resolve(path));
  const name = isStdin ? 'stdin' : basename(path);
  const looking = textIn(path, isStdin ? stdin : readChunks(resolve(path)));
  const { chunks, isRecoded } = await (signal === undefined ? looking : before(signal, looking));
  const named = rowNames.test(name) ? true : name.includes('.') ? false : undefined;
  return { lines: linesIn(numberedLines(chunks, maxLineBytes), name, named), bytes: isRecoded ? undefined : size };
}

async function* linesIn(
  lines: AsyncIterable<NumberedLine>,
  name: string,
  named: boolean | undefined,
): AsyncGenerator<TaskLine, void, undefined> {
  let isRow = named;
  let last = 0;
  try {
    for await (const { number, bytes } of lines) {
      last = number;
      const read = textOf(bytes);
      if (read.text?.trim() === '') continue;
      isRow ??= read.text !== undefined && isObject(read.text);
      yield { number, where: `${name}:${String(number)}`, ...read, isRow, bytes: (bytes?.length ?? maxLineBytes) + 1 };
    }
  } catch (error) {
    const problem = `what comes after this line cannot be read: ${messageOf(error)}`;
    yield { number: last, where: `${name}:${String(last)}`, text: undefined, problem, isRow: true, bytes: 0 };
  }
}

function textOf(bytes: Uint8Array | undefined): { readonly text: string | undefined; readonly problem?: string } {
  if (bytes === undefined)
    return { text: undefined, problem: `expected a line of at most ${String(maxLineBytes)} bytes, got a longer one; split it` };
  try {
    // one line of another encoding than the others is read by its own look
    const text = isUtf8(bytes) ? new TextDecoder().decode(bytes) : decodeText(bytes).text;
    return { text: text.replace(/\r$/, '') };
  } catch (error) {
    return { text: undefined, problem: messageOf(error) };
  }
}

function isObject(text: string): boolean {
  try {
    return /^\s*\{/.test(text) && typeof JSON.parse(text) === 'object';
  } catch {
    return false;
  }
}

interface Text {
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Its bytes are others than those of the file. */
  readonly isRecoded: boolean;
}

/** A pipe may say nothing for hours, and has to be looked at before work begins. */
async function before<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    signal.throwIfAborted();
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** Looks at what comes first: text stays as it is, or becomes UTF-8; what is packed is unpacked. */
async function textIn(path: string, chunks: AsyncIterable<Uint8Array>, isUnpacked = false): Promise<Text> {
  const iterator = chunks[Symbol.asyncIterator]();
  try {
    const next = await iterator.next();
    const first = next.done === true ? new Uint8Array() : next.value;
    const all = allOf(first, iterator);
    if (!isUnpacked && first[0] === 0x1f && first[1] === 0x8b) return { ...(await textIn(path, unpacked(all), true)), isRecoded: true };
    const { encoding } = decodeText(first);
    return encoding === 'utf-8' ? { chunks: all, isRecoded: isUnpacked } : { chunks: asUtf8(all, encoding), isRecoded: true };
  } catch (error) {
    await iterator.return?.();
    throw isStreamError(error) && error.code === 'invalid_option'
      ? error
      : new OptionError(`FILE must hold lines of text, got ${JSON.stringify(path)}: ${messageOf(error)}`, { cause: error });
  }
}

async function* allOf(first: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  yield first;
  yield* { [Symbol.asyncIterator]: () => rest };
}

function unpacked(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const gunzip = createGunzip();
  pipeline(Readable.from(chunks, { objectMode: false }), gunzip, () => undefined); // whoever reads is told of the error
  return gunzip;
}

async function* asUtf8(chunks: AsyncIterable<Uint8Array>, encoding: string): AsyncGenerator<Uint8Array, void, undefined> {
  const decoder = new TextDecoder(encoding);
  for await (const chunk of chunks) yield Buffer.from(decoder.decode(chunk, { stream: true }));
  yield Buffer.from(decoder.decode());
}

/** Undefined for what is no file, such as a pipe with a name. @throws OptionError where there is nothing. */
async function sizeOf(path: string): Promise<number | undefined> {
  try {
    const found = await stat(path);
    if (found.isDirectory()) throw new OptionError(`FILE must be a file of lines or -, got the folder ${path}`);
    return found.isFile() ? found.size : undefined;
  } catch (error) {
    if (isStreamError(error)) throw error;
    throw new OptionError(`FILE must be a file of lines or -, got ${JSON.stringify(path)}: ${messageOf(error)}`, { cause: error });
  }
}
