import { CodecError } from '../errors.ts';
import type { Codec } from './codec.ts';
import { decodeUtf8, encodeUtf8 } from './internal/utf8.ts';

/**
 * UTF-8 text, character for character in both directions; a byte order mark is kept. For keys, and for values that are
 * plain text; what Kafka's clients call the string serde. Null is `unexpected_tombstone`, or with `orNull` null.
 * @throws CodecError `decode_failed` for bytes that are not UTF-8; `encode_failed` for what is not a string, or has half a surrogate pair.
 */
export function text(): Codec<string>;
export function text(options: { readonly orNull: true }): Codec<string | null>;
export function text({ orNull = false }: { readonly orNull?: boolean } = {}): Codec<string | null> {
  return {
    name: 'text',
    decode: (value) => {
      if (value !== null) return decodeUtf8(value);
      if (orNull) return null;
      throw new CodecError('unexpected_tombstone', 'expected UTF-8 text, got a null value; wrap the codec in nullable() to allow it');
    },
    encode: (value: unknown) => {
      if (value === null && orNull) return null;
      if (typeof value === 'string') return encodeUtf8(value);
      const hint = value === null ? '; wrap the codec in nullable() to write tombstones' : '';
      throw new CodecError('encode_failed', `expected a string, got ${value === null ? 'null' : typeof value}${hint}`);
    },
  };
}
