import type { ValueCounts } from '../run-snapshot.state.ts';

/** What stands for all values beyond the bound. */
const otherValues = 'other values';

/** Counts by value. Holds `most` values, the first that came; what comes later is counted together. */
export class CountsByValue {
  readonly #counts = new Map<string, number>();
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  add(value: string, count = 1): void {
    const name = this.#counts.has(value) || this.#counts.size < this.#most ? value : otherValues;
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + count);
  }

  merge(later: CountsByValue): void {
    for (const [value, count] of later.#counts) this.add(value, count);
  }

  /** The most frequent first, the others last. */
  list(): ValueCounts {
    return [...this.#counts]
      .map(([value, count]) => ({ value, count }))
      .sort(
        (a, b) => Number(a.value === otherValues) - Number(b.value === otherValues) || b.count - a.count || (a.value < b.value ? -1 : 1),
      );
  }
}

/** One thing of each name. Holds `most` of them, the first that came; of others there is none. */
export class FirstNames<V> {
  readonly #values = new Map<string, V>();
  readonly #most: number;
  readonly #make: () => V;

  constructor(most: number, make: () => V) {
    this.#most = most;
    this.#make = make;
  }

  of(name: string): V | undefined {
    const known = this.#values.get(name);
    if (known !== undefined || this.#values.size >= this.#most) return known;
    const made = this.#make();
    this.#values.set(name, made);
    return made;
  }

  list(): readonly (readonly [name: string, value: V])[] {
    return [...this.#values];
  }
}
