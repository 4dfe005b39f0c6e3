/** The first 128 bits of a key's digest, as four words. */
export type KeyWords = Uint32Array;

/** Where a line stands. */
export interface Place {
  /** Number of the file, from 0 to 65,535. */
  readonly file: number;
  /** Of its first byte; below 2^48. */
  readonly offset: number;
  /** In bytes, without the line's end; at least 1. */
  readonly bytes: number;
}

// an entry: four words of the digest, the offset's low word, file and the offset's high half, the length
const wordsOf = { entry: 7, offset: 4, file: 5, bytes: 6 } as const;
const chunkEntries = 4_096;
const fewestSlots = 1_024;
const wordRange = 2 ** 32;

/**
 * Which line of which file holds a key, in typed arrays: 28 bytes an entry, and a table of 4-byte slots of which a quarter at least stays free. At most 38.7
 * bytes a key (and 110 KiB of a chunk that is begun), whatever the keys; while the table grows, the old one stands beside the new.
 */
export class KeyIndex {
  readonly #chunks: Uint32Array[] = [];
  /** Number of the entry + 1; 0 is free. Their number is a power of two. */
  #slots = new Uint32Array(fewestSlots);
  #entries = 0;
  #forgotten = 0;

  /** Keys that have a line. */
  get size(): number {
    return this.#entries - this.#forgotten;
  }

  /** Of the memory that it holds. */
  get bytes(): number {
    return this.#slots.byteLength + this.#chunks.length * chunkEntries * wordsOf.entry * Uint32Array.BYTES_PER_ELEMENT;
  }

  get(key: KeyWords): Place | undefined {
    const entry = (this.#slots[this.#slotOf(key)] ?? 0) - 1;
    if (entry < 0) return undefined;
    const [words, at] = this.#wordsOf(entry);
    const bytes = words[at + wordsOf.bytes] ?? 0;
    if (bytes === 0) return undefined;
    const mixed = words[at + wordsOf.file] ?? 0;
    return { file: mixed >>> 16, offset: (mixed & 0xffff) * wordRange + (words[at + wordsOf.offset] ?? 0), bytes };
  }

  /** The key stands there from now on, and nowhere else. */
  put(key: KeyWords, place: Place): void {
    this.#write(key, place);
  }

  /** The key has no line any more. */
  forget(key: KeyWords): void {
    if (this.get(key)) this.#write(key, { file: 0, offset: 0, bytes: 0 });
  }

  #write(key: KeyWords, { file, offset, bytes }: Place): void {
    let slot = this.#slotOf(key);
    let entry = (this.#slots[slot] ?? 0) - 1;
    const isNew = entry < 0;
    if (isNew) {
      if ((this.#entries + 1) * 4 > this.#slots.length * 3) {
        this.#grow();
        slot = this.#slotOf(key);
      }
      entry = this.#entries;
      this.#entries += 1;
      this.#slots[slot] = entry + 1;
      if (entry % chunkEntries === 0) this.#chunks.push(new Uint32Array(chunkEntries * wordsOf.entry));
    }
    const [words, at] = this.#wordsOf(entry);
    if (!isNew) this.#forgotten += (bytes === 0 ? 1 : 0) - (words[at + wordsOf.bytes] === 0 ? 1 : 0);
    for (let word = 0; word < 4; word += 1) words[at + word] = key[word] ?? 0;
    words[at + wordsOf.offset] = offset % wordRange;
    words[at + wordsOf.file] = ((file << 16) | Math.floor(offset / wordRange)) >>> 0;
    words[at + wordsOf.bytes] = bytes;
  }

  #wordsOf(entry: number): readonly [words: Uint32Array, at: number] {
    const words = this.#chunks[Math.floor(entry / chunkEntries)] as Uint32Array;
    return [words, (entry % chunkEntries) * wordsOf.entry];
  }

  /** The slot that holds `key`, or the free one where it belongs. A digest's words are as good as random. */
  #slotOf(key: KeyWords): number {
    const mask = this.#slots.length - 1;
    let slot = (key[0] ?? 0) & mask;
    for (;;) {
      const entry = (this.#slots[slot] ?? 0) - 1;
      if (entry < 0) return slot;
      const [words, at] = this.#wordsOf(entry);
      if (words[at] === key[0] && words[at + 1] === key[1] && words[at + 2] === key[2] && words[at + 3] === key[3]) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #grow(): void {
    this.#slots = new Uint32Array(this.#slots.length * 2);
    const mask = this.#slots.length - 1;
    for (let entry = 0; entry < this.#entries; entry += 1) {
      const [words, at] = this.#wordsOf(entry);
      let slot = (words[at] ?? 0) & mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
      this.#slots[slot] = entry + 1;
    }
  }
}
