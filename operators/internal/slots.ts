/**
 * What is under way, one place each: a set for things that come and go with every record. A `Set` is none for that: it
 * leaves a chain of outgrown tables behind, and along it the garbage collector takes all that was ever in it for alive
 * until its next full collection (measured: 9 kB a record, 200 MB of heap where 50 do).
 */
export class Slots<T> {
  readonly #items: (T | undefined)[] = [];
  readonly #free: number[] = [];

  get size(): number {
    return this.#items.length - this.#free.length;
  }

  /** The slot that `item` takes until it is freed. */
  take(item: T): number {
    const slot = this.#free.pop() ?? this.#items.length;
    this.#items[slot] = item;
    return slot;
  }

  /** A slot is freed once. */
  free(slot: number): void {
    this.#items[slot] = undefined;
    this.#free.push(slot);
  }

  /** Frees all, and says what was in them. */
  clear(): readonly T[] {
    const items = this.#items.filter((item) => item !== undefined);
    this.#items.length = 0;
    this.#free.length = 0;
    return items;
  }
}
