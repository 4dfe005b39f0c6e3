import type { Codec, OpenCodec } from './codec.ts';
import { openCodec } from './open-codec.ts';

/**
 * Lets null through: a null value is a tombstone, in both directions, and never reaches `codec`. For compacted topics,
 * where a record without a value deletes its key; without it such a record is `unexpected_tombstone`.
 *
 * What the codec itself makes of the four bytes `null` stays what it is: `nullable(json())` decodes them to null, too, and
 * writes that null as a tombstone.
 */
export function nullable<T>(codec: Codec<T>): Codec<T | null> {
  const closed = orNull(codec);
  return codec.open === undefined ? closed : { ...closed, open: async (use) => whenOpen(await openCodec(codec, use)) };
}

const orNull = <T>(codec: Codec<T>): Codec<T | null> => ({
  name: `nullable ${codec.name}`,
  decode: (value) => (value === null ? null : codec.decode(value)),
  encode: (value) => (value === null ? null : codec.encode(value)),
});

const whenOpen = <T>(codec: OpenCodec<T>): OpenCodec<T | null> => ({
  ...orNull(codec),
  pending: (value) => (value === null ? undefined : codec.pending?.(value)),
  trouble: () => codec.trouble?.(),
  close: async () => codec.close?.(),
});
