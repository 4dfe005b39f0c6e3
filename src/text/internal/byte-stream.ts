import { isUtf8 } from 'node:buffer';
import { createGunzip } from 'node:zlib';
import { pipeline, Readable } from 'node:stream';
import { encodingOf } from '../decode-text.ts';

const sampleBytes = 64 * 1024;

/** The first 64 KiB of a stream, and the whole of it: what was looked at comes again. */
export async function peeked(
  source: AsyncIterable<Uint8Array>,
): Promise<{ readonly first: Buffer; readonly bytes: AsyncIterable<Buffer> }> {
  const iterator = source[Symbol.asyncIterator]();
  const held: Buffer[] = [];
  let length = 0;
  let isDone = false;
  try {
    while (length < sampleBytes && !isDone) {
      const next = await iterator.next();
      isDone = next.done === true;
      if (next.done === true) break;
      held.push(bufferOf(next.value));
      length += next.value.length;
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

/** Bytes of any encoding as UTF-8 without a mark. The encoding is guessed by the first 64 KiB. */
export async function asUtf8(source: AsyncIterable<Uint8Array>, given: string | undefined): Promise<AsyncIterable<Buffer>> {
  const { first, bytes } = await peeked(source);
  // a character that the sample cuts is no sign of another encoding
  const sample = first.subarray(0, sampleBytes); // who gives bytes in one piece gives as little to guess by
  const whole = sample.length < sampleBytes ? sample : sample.subarray(0, sample.lastIndexOf(10) + 1 || sample.length);
  const encoding = encodingOf(whole, given);
  return encoding === 'utf-8' ? withoutMark(bytes) : recoded(bytes, encoding);
}

async function* withoutMark(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let isFirst = true;
  for await (const bytes of source) {
    yield isFirst && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
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
