import { CodecError } from '../errors.ts';
import type { Codec } from './codec.ts';

/**
 * The bytes as they are; null stays null (a tombstone). Nothing is copied: whoever keeps the bytes, or changes them,
 * copies them first.
 * @throws CodecError `encode_failed` for what is neither a Uint8Array nor null.
 */
export function bytes(): Codec<Uint8Array | null> {
  return {
    name: 'bytes',
    decode: (value) => value,
    encode: (value: unknown) => {
      if (value === null || value instanceof Uint8Array) return value;
      throw new CodecError(
        'encode_failed',
        `expected a Uint8Array or null, got ${typeof value}; a codec (json(), text()) turns values into bytes`,
      );
    },
  };
}
