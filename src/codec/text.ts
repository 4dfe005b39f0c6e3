import { CodecError } from '../errors.ts';
import type { Codec } from './codec.ts';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** UTF-8 text, checked: bytes that are not UTF-8 are `decode_failed`. Null is `unexpected_tombstone`, or with `orNull` null. */
export function text(): Codec<string>;
export function text(options: { readonly orNull: true }): Codec<string | null>;
export function text({ orNull = false }: { readonly orNull?: boolean } = {}): Codec<string | null> {
  return {
    name: 'text',
    decode: (value) => {
      if (value === null) {
        if (orNull) return null;
        throw new CodecError('unexpected_tombstone', 'expected UTF-8 text, got a null value; wrap the codec in nullable() to allow it');
      }
      try {
        return decoder.decode(value);
      } catch (cause) {
        throw new CodecError('decode_failed', `expected UTF-8 text, got ${String(value.length)} bytes that are not`, { cause });
      }
    },
    encode: (value) => (value === null ? null : encoder.encode(value)),
  };
}
