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
  const whole = first.length < sampleBytes ? first : first.subarray(0, first.lastIndexOf(10) + 1 || first.length);
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

async function* recoded(source: AsyncIterable<Buffer>, encoding: string): AsyncGenerator<Buffer> {
  const decoder = new TextDecoder(encoding);
  for await (const bytes of source) yield Buffer.from(decoder.decode(bytes, { stream: true }));
  yield Buffer.from(decoder.decode());
}
