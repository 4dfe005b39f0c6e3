import { CodecError } from '../../errors.ts';

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();
const loneSurrogate = /\p{Surrogate}/u; // with `u` a pair is one character, and no surrogate

/** The text of UTF-8 bytes, a byte order mark included. @throws CodecError `decode_failed` for bytes that are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return strict.decode(bytes);
  } catch (cause) {
    throw new CodecError('decode_failed', `expected UTF-8 text, got ${String(bytes.length)} bytes that are not`, { cause });
  }
}

/** @throws CodecError `encode_failed` for half a surrogate pair, which UTF-8 cannot hold and would silently replace by U+FFFD. */
export function encodeUtf8(text: string): Uint8Array {
  if (loneSurrogate.test(text)) {
    throw new CodecError(
      'encode_failed',
      'expected text, got a string with half a surrogate pair (was it cut in the middle of a character?); repair it with toWellFormed()',
    );
  }
  return encoder.encode(text);
}
