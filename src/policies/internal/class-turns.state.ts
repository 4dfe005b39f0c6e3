/** Classes by sensitivity to latency, the most sensitive first. */
export const serviceClasses = ['interactive', 'standard', 'batch'] as const;
export type ServiceClass = (typeof serviceClasses)[number];

export interface ClassTurnsOptions {
  /** Places in all. */
  readonly places: number;
  /** Of each class (by its rank), places that lower ones never take. */
  readonly heldBack: readonly number[];
  /** How often a class that waits is passed over by higher ones before it has its turn. */
  readonly mostPassed: number;
}

/**
 * Which class starts next. Higher ones go first; one that waits, and for which a place is free, is passed over by them at most
 * `mostPassed` times, and once more for another one that was. Holds counters only.
 */
export class ClassTurns {
  readonly #options: ClassTurnsOptions;
  readonly #running = serviceClasses.map(() => 0);
  readonly #passed = serviceClasses.map(() => 0);

  constructor(options: ClassTurnsOptions) {
    this.#options = options;
  }

  get running(): number {
    return this.#running.reduce((sum, n) => sum + n, 0);
  }

  /** The rank whose turn it is among those that wait; undefined when no place is free for any. */
  next(waits: (rank: number) => boolean): number | undefined {
    let first: number | undefined;
    for (let rank = 0; rank < serviceClasses.length; rank += 1) {
      if (!this.hasPlace(rank)) break; // what has none for a class has none for lower ones
      if (!waits(rank)) continue;
      if ((this.#passed[rank] ?? 0) >= this.#options.mostPassed) return rank;
      first ??= rank;
    }
    return first;
  }

  /** Whether a place is free for a class: places that are held back for higher ones are not. */
  hasPlace(rank: number): boolean {
    let free = this.#options.places - this.running;
    let least = free;
    for (let above = 0; above < rank; above += 1) {
      // what higher ones take of their own places takes nothing from the others
      free += (this.#running[above] ?? 0) - (this.#options.heldBack[above] ?? 0);
      least = Math.min(least, free);
    }
    return least > 0;
  }

  /** One of this class starts, while others wait. */
  start(rank: number, waits: (rank: number) => boolean): void {
    for (let lower = rank + 1; lower < serviceClasses.length; lower += 1)
      if (waits(lower) && this.hasPlace(lower)) this.#passed[lower] = (this.#passed[lower] ?? 0) + 1;
    this.#passed[rank] = 0;
    this.#running[rank] = (this.#running[rank] ?? 0) + 1;
  }

  end(rank: number): void {
    this.#running[rank] = (this.#running[rank] ?? 0) - 1;
  }
}
