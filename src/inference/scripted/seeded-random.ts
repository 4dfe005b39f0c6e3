/**
 * A number generator (mulberry32) whose sequence depends on the seed and the words alone, so that one call's chance
 * does not depend on the order in which calls run. Not for secrets.
 */
export function seededRandom(seed: number, ...words: readonly (string | number)[]): () => number {
  let state = 0x811c9dc5 ^ seed;
  for (const char of words.join('\u0000')) state = Math.imul(state ^ (char.codePointAt(0) ?? 0), 0x01000193); // FNV-1a
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
