/** MurmurHash2 as the Java client computes it, so that equal keys meet in one partition whoever produced them. */
export function murmur2(key: Uint8Array): number {
  const m = 0x5bd1e995;
  const { length } = key;
  const view = new DataView(key.buffer, key.byteOffset, length);
  let hash = 0x9747b28c ^ length;
  const whole = length & ~3;
  for (let at = 0; at < whole; at += 4) {
    let k = Math.imul(view.getInt32(at, true), m);
    k = Math.imul(k ^ (k >>> 24), m);
    hash = Math.imul(hash, m) ^ k;
  }
  const rest = length & 3;
  if (rest >= 3) hash ^= (key[whole + 2] ?? 0) << 16;
  if (rest >= 2) hash ^= (key[whole + 1] ?? 0) << 8;
  if (rest >= 1) hash = Math.imul(hash ^ (key[whole] ?? 0), m);
  hash = Math.imul(hash ^ (hash >>> 13), m);
  return hash ^ (hash >>> 15);
}

/**
 * Chooses the partition of each output: by key as Java does; without a key one partition until the turn, then the next.
 * Choosing is ours because kafkajs chooses anew on each retry, which loses and doubles acknowledged records.
 */
export class Partitioner {
  #sticky = 0;

  choose(key: Uint8Array | null, partitions: number): number {
    return (key === null ? this.#sticky : murmur2(key) & 0x7fffffff) % partitions;
  }

  /** The next keyless records go elsewhere; called once a send, so that they travel in full sends and spread all the same. */
  turn(): void {
    this.#sticky = (this.#sticky + 1) % 0x40000000;
  }
}
