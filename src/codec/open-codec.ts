import type { Codec, CodecUse, OpenCodec } from './codec.ts';

/** The codec as it is for one use: what its `open` makes of it, or itself where it has none. */
export const openCodec = async <T>(codec: Codec<T>, use: CodecUse): Promise<OpenCodec<T>> =>
  codec.open === undefined ? codec : codec.open(use);
