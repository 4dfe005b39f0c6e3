import type { Codec } from './codec.ts';

/** The bytes as they are; null stays null (a tombstone). */
export function bytes(): Codec<Uint8Array | null> {
  return { name: 'bytes', decode: (value) => value, encode: (value) => value };
}
