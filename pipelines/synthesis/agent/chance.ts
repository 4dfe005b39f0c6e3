import { createHash } from 'node:crypto';

/** Choices that the same words repeat, whatever else runs at the time. */
export interface Chance {
  bytes(count: number): Uint8Array;
  /** From 0 to 2^31 - 1: what models take for a seed. */
  integer(): number;
}

const bytesOfInteger = 4;

/** Chance from words alone: a digest of them, counted on. */
export function chanceFrom(...words: readonly (string | number)[]): Chance {
  const start = JSON.stringify(words);
  let count = 0;
  const block = (): Buffer => {
    const digest = createHash('sha256')
      .update(start)
      .update(`/${String(count)}`)
      .digest();
    count += 1;
    return digest;
  };
  const bytes = (wanted: number): Uint8Array => {
    const blocks: Buffer[] = [];
    for (let size = 0; size < wanted; size += 32) blocks.push(block());
    return Buffer.concat(blocks).subarray(0, wanted);
  };
  return { bytes, integer: () => Buffer.from(bytes(bytesOfInteger)).readUInt32BE() >>> 1 };
}
