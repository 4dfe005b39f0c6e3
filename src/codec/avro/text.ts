import { isUtf8 } from 'node:buffer';
import { CodecError } from '../../errors.ts';
import type { Tap } from './avsc.ts';

export const endsTooEarly = (): CodecError => new CodecError('decode_failed', 'expected more bytes');

const replacement = '\uFFFD';

export function readText(tap: Tap): string {
  const bytes = tap.readLong();
  const from = tap.pos;
  tap.pos += bytes;
  if (bytes < 0 || !tap.isValid()) throw endsTooEarly();
  const text = tap.buf.utf8Slice(from, tap.pos);
  if (text.includes(replacement) && !isUtf8(tap.buf.subarray(from, tap.pos)))
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
