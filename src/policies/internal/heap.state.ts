/** What can stand in a heap: it knows its place there; -1 while it is in none. */
export interface HeapEntry {
  at: number;
}

/** A binary heap whose entries may leave from its middle. All but `sweep` and `first` is O(log n). Holds what is in it. */
export class Heap<T extends HeapEntry> {
  readonly #isBefore: (a: T, b: T) => boolean;
  #items: T[] = [];

  constructor(isBefore: (a: T, b: T) => boolean) {
    this.#isBefore = isBefore;
  }

  get size(): number {
    return this.#items.length;
  }

  peek(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    this.#items.push(item);
    this.#rise(item, this.#items.length - 1);
  }

  /** Takes out one that is in it. */
  remove(item: T): void {
    const { at } = item;
    item.at = -1;
    const last = this.#items.pop();
    if (last === undefined || last === item) return;
    this.#rise(last, at);
    this.#sink(last, last.at);
  }

  /** The first ones, in order, without taking them out: of many, only as many as are asked for are looked at. */
  first(most: number): readonly T[] {
    const found: T[] = [];
    const open = this.#items.slice(0, 1);
    while (found.length < most) {
      const next = open.reduce<T | undefined>((best, one) => (best && !this.#isBefore(one, best) ? best : one), undefined);
      if (next === undefined) break;
      open.splice(open.indexOf(next), 1);
      found.push(next);
      open.push(...this.#items.slice(2 * next.at + 1, 2 * next.at + 3));
    }
    return found;
  }

  /** Takes out what is not to be kept; costs one look at each. */
  sweep(keep: (item: T) => boolean): void {
    const before = this.#items;
    this.#items = [];
    for (const item of before) {
      item.at = -1;
      if (keep(item)) this.push(item);
    }
  }

  #rise(item: T, from: number): void {
    let at = from;
    while (at > 0) {
      const parent = this.#items[(at - 1) >> 1];
      if (parent === undefined || !this.#isBefore(item, parent)) break;
      this.#put(parent, at);
      at = (at - 1) >> 1;
    }
    this.#put(item, at);
  }

  #sink(item: T, from: number): void {
    let at = from;
    for (;;) {
      const left = this.#items[2 * at + 1];
      const right = this.#items[2 * at + 2];
      const child = left !== undefined && right !== undefined && this.#isBefore(right, left) ? right : left;
      if (child === undefined || !this.#isBefore(child, item)) break;
      const below = child.at;
      this.#put(child, at);
      at = below;
    }
    this.#put(item, at);
  }

  #put(item: T, at: number): void {
    this.#items[at] = item;
    item.at = at;
  }
}
