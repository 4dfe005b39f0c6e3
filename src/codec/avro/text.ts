import { isUtf8 } from 'node:buffer';
import { CodecError } from '../../errors.ts';
import type { Tap } from './avsc.ts';

export const endsTooEarly = (): CodecError => new CodecError('decode_failed', 'expected more bytes');

const replacement = '\uFFFD';

const mostShort = 24; // bytes: what is longer is read faster by Node's own, in native code

/** Undefined for what is not ASCII. Eight characters a call: short texts are most of a record's time, and a call to native code most of a short text's. */
function shortAscii(buf: Uint8Array, from: number, to: number): string | undefined {
  let seen = 0;
  for (let i = from; i < to; i += 1) seen |= buf[i] ?? 0x80;
  if (seen >= 0x80) return undefined;
  let text = '';
  let at = from;
  const of = (i: number): number => buf[at + i] as number;
  for (; at + 8 <= to; at += 8) text += String.fromCharCode(of(0), of(1), of(2), of(3), of(4), of(5), of(6), of(7));
  for (; at + 4 <= to; at += 4) text += String.fromCharCode(of(0), of(1), of(2), of(3));
  for (; at < to; at += 1) text += String.fromCharCode(of(0));
  return text;
}

/** The same as `tap.readLong()`, sooner for what has one byte. */
export function readCount(tap: Tap): number {
  const byte = tap.buf[tap.pos];
  if (byte === undefined || byte >= 0x80) return tap.readLong();
  tap.pos += 1;
  return (byte >> 1) ^ -(byte & 1);
}

export function readText(tap: Tap): string {
  const bytes = readCount(tap);
  const from = tap.pos;
  tap.pos += bytes;
  if (bytes < 0 || !tap.isValid()) throw endsTooEarly();
  const { buf } = tap;
  return (bytes <= mostShort ? shortAscii(buf, from, tap.pos) : undefined) ?? longText(tap, from);
}

function longText({ buf, pos }: Tap, from: number): string {
  const text = buf.utf8Slice(from, pos);
  if (text.includes(replacement) && !isUtf8(buf.subarray(from, pos)))
    throw new CodecError('decode_failed', 'expected text in UTF-8, got bytes that are not');
  return text;
}

export function skipText(tap: Tap): void {
  const bytes = tap.readLong();
  tap.pos += bytes;
  if (bytes < 0 || !tap.isValid()) throw endsTooEarly();
}

export function requireWhole(text: string): void {
  if (!text.isWellFormed())
    throw new CodecError(
      'encode_failed',
      'expected text, got a string with half a surrogate pair (was it cut in the middle of a character?); repair it with toWellFormed()',
    );
}
