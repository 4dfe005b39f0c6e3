import { isAscii, isUtf8 } from 'node:buffer';
import { createGunzip } from 'node:zlib';
import { pipeline, Readable } from 'node:stream';
import { encodingOf } from '../decode-text.ts';

const sampleBytes = 64 * 1024;

/** A format is seen in the first bytes. */
const magicBytes = 4;

/**
 * The first 64 KiB of a stream, and the whole of it: what was looked at comes again. `of` a line: no more than its first chunks with a whole line in them, as a pipe that is slow may have no more
 * for hours.
 */
export async function peeked(
  source: AsyncIterable<Uint8Array>,
  of: 'sample' | 'line' = 'sample',
): Promise<{ readonly first: Buffer; readonly bytes: AsyncIterable<Buffer> }> {
  const iterator = source[Symbol.asyncIterator]();
  const held: Buffer[] = [];
  let length = 0;
  let isDone = false;
  let hasLine = false;
  try {
    while (length < sampleBytes && !isDone && !(of === 'line' && hasLine && length >= magicBytes)) {
      const next = await iterator.next();
      isDone = next.done === true;
      if (next.done === true) break;
      const bytes = bufferOf(next.value);
      held.push(bytes);
      length += bytes.length;
      hasLine ||= bytes.includes(10);
    }
  } catch (error) {
    await iterator.return?.();
    throw error;
  }
  const first = Buffer.concat(held);
  async function* all(): AsyncGenerator<Buffer> {
    if (first.length > 0) yield first;
    if (isDone) return;
    const rest = { [Symbol.asyncIterator]: () => iterator };
    for await (const bytes of rest) yield bufferOf(bytes);
  }
  return { first, bytes: all() };
}

/** Streams that were told an encoding give text. */
const bufferOf = (bytes: Uint8Array | string): Buffer =>
  typeof bytes === 'string' ? Buffer.from(bytes) : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);

export const isGzip = (first: Uint8Array): boolean => first[0] === 0x1f && first[1] === 0x8b && first[2] === 8;

/** Unpacked as it is asked for. */
export function unpacked(bytes: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  const gunzip = createGunzip({ chunkSize: sampleBytes });
  pipeline(Readable.from(bytes, { objectMode: false, highWaterMark: sampleBytes }), gunzip, () => undefined); // whoever reads is told of the error
  return gunzip as AsyncIterable<Buffer>;
}

/**
 * Bytes of any encoding as UTF-8 without a mark. The encoding is guessed by the first 64 KiB; but whole lines there that can be nothing but UTF-8 are given as they come, since a pipe that is slow
 * may take hours for so much. Where plain ASCII was given and other bytes follow, the guess is made by those.
 * @throws DocumentError where it begins as no text does.
 */
export async function* asUtf8(source: AsyncIterable<Uint8Array>, given: string | undefined): AsyncGenerator<Buffer> {
  const iterator = source[Symbol.asyncIterator]();
  try {
    const { rest, isSettled, hasBegun } = given === undefined ? yield* earlyLines(iterator) : beginning;
    const { first, bytes } = await peeked(resumed(rest, iterator), isSettled ? 'line' : 'sample');
    // a character that the sample cuts is no sign of another encoding
    const sample = first.subarray(0, sampleBytes); // who gives bytes in one piece gives as little to guess by
    const whole = sample.length < sampleBytes ? sample : sample.subarray(0, sample.lastIndexOf(10) + 1 || sample.length);
    const encoding = isSettled ? 'utf-8' : hasBegun ? laterEncoding(whole) : encodingOf(whole, given);
    yield* encoding === 'utf-8' ? withoutMark(bytes) : recoded(bytes, encoding);
  } finally {
    await iterator.return?.();
  }
}

interface Early {
  /** What was read and not given. */
  readonly rest: Buffer;
  /** Characters beyond ASCII were given as UTF-8. */
  readonly isSettled: boolean;
  readonly hasBegun: boolean;
}

const beginning: Early = { rest: Buffer.alloc(0), isSettled: false, hasBegun: false };

/** Lines from the first 64 KiB, until one of them may be of another encoding. */
async function* earlyLines(iterator: AsyncIterator<Uint8Array>): AsyncGenerator<Buffer, Early> {
  let held: Buffer[] = [];
  let [givenBytes, heldBytes, isSettled] = [0, 0, false];
  for (;;) {
    const next = await iterator.next();
    if (next.done !== true) held.push(bufferOf(next.value));
    heldBytes += next.done === true ? 0 : next.value.length;
    const early = (): Early => ({ rest: Buffer.concat(held), isSettled, hasBegun: givenBytes > 0 });
    if (next.done === true || givenBytes + heldBytes >= sampleBytes) return early();
    if (held.at(-1)?.includes(10) !== true) continue;
    const all = Buffer.concat(held);
    const lines = all.subarray(0, all.lastIndexOf(10) + 1);
    if (!isUtf8(lines) || laterEncoding(lines) !== 'utf-8' || (givenBytes === 0 && !isText(lines))) return early();
    isSettled ||= !isAscii(lines);
    yield givenBytes === 0 && isMarked(lines) ? lines.subarray(3) : lines;
    givenBytes += lines.length;
    held = [all.subarray(lines.length)];
    heldBytes = all.length - lines.length;
  }
}

function isText(bytes: Buffer): boolean {
  try {
    encodingOf(bytes);
    return true;
  } catch {
    return false;
  }
}

/** What comes after lines that were text is no other file: where it is no text, those lines are told to be damaged. */
const laterEncoding = (bytes: Buffer): string => (isText(bytes) ? encodingOf(bytes) : 'utf-8');

async function* resumed(first: Buffer, iterator: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (first.length > 0) yield first;
  for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
}

const isMarked = (bytes: Buffer): boolean => bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;

async function* withoutMark(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let isFirst = true;
  for await (const bytes of source) {
    yield isFirst && isMarked(bytes) ? bytes.subarray(3) : bytes;
    isFirst = false;
  }
}

/** What is no character is 0xFF, which UTF-8 has nowhere: whoever reads sees that it was damaged. UTF-16 may hold U+FFFD as itself. */
async function* recoded(source: AsyncIterable<Buffer>, encoding: string): AsyncGenerator<Buffer> {
  const decoder = new TextDecoder(encoding);
  const utf8 = (text: string): Buffer =>
    encoding.startsWith('utf-16') || !text.includes('\ufffd')
      ? Buffer.from(text)
      : Buffer.concat(text.split('\ufffd').flatMap((part, index) => (index === 0 ? [Buffer.from(part)] : [damaged, Buffer.from(part)])));
  for await (const bytes of source) yield utf8(decoder.decode(bytes, { stream: true }));
  yield utf8(decoder.decode());
}

const damaged = Buffer.from([0xff]);

/** Where the last character of `bytes` begins if it is not complete, else their length. */
function completeIn(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) break;
    if (byte >= 0xc0) return (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

export interface TextPiece {
  readonly text: string;
  /** There were bytes in it that are no UTF-8: now U+FFFD. */
  readonly isDamaged: boolean;
  readonly isEnd: boolean;
}

/** UTF-8 as text, piece by piece; a piece with bytes that are none comes line by line, so that it is known which lines they stood in. */
export async function* utf8Text(source: AsyncIterable<Buffer>): AsyncGenerator<TextPiece> {
  let held = Buffer.alloc(0);
  for await (const bytes of source) {
    const all = held.length === 0 ? bytes : Buffer.concat([held, bytes]);
    const end = completeIn(all);
    held = Buffer.from(all.subarray(end));
    yield* pieces(all.subarray(0, end));
  }
  yield* pieces(held);
  yield { text: '', isDamaged: false, isEnd: true };
}

function* pieces(bytes: Buffer): Generator<TextPiece> {
  if (isUtf8(bytes)) {
    yield { text: bytes.toString(), isDamaged: false, isEnd: false };
    return;
  }
  for (let from = 0; from < bytes.length; ) {
    const end = bytes.indexOf(10, from);
    const line = bytes.subarray(from, end === -1 ? bytes.length : end + 1);
    yield { text: line.toString(), isDamaged: !isUtf8(line), isEnd: false };
    from += line.length;
  }
}
