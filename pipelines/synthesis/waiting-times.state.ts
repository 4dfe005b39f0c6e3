/** How calls of one concurrency went. */
interface Level {
  calls: number;
  ms: number;
}

/** Where the time of calls goes, and how it grows when more run beside each other. Holds a pair of numbers for each concurrency that was seen. */
export class WaitingTimes {
  readonly #levels = new Map<number, Level>();
  #running = 0;
  #callMs = 0;
  #waitMs = 0;
  #calls = 0;
  #overloads = 0;

  get callMs(): number {
    return this.#callMs;
  }

  /** Before calls: for permits, intervals, budgets, and between attempts. */
  get waitMs(): number {
    return this.#waitMs;
  }

  get calls(): number {
    return this.#calls;
  }

  /** How often the other side said that it was too much. */
  get overloads(): number {
    return this.#overloads;
  }

  /** How much longer a call took beside others than with the fewest beside it; 1 where that cannot be told. */
  get stretch(): number {
    const levels = [...this.#levels].sort(([a], [b]) => a - b);
    const [fewest] = levels;
    if (fewest === undefined) return 1;
    const alone = fewest[1].ms / fewest[1].calls;
    return alone > 0 ? Math.max(1, this.#callMs / this.#calls / alone) : 1;
  }

  /** An attempt begins. The result says that it has ended, and how long it took. */
  begins(nowMs: number): (endMs: number) => number {
    this.#running += 1;
    const beside = this.#running;
    return (endMs) => {
      const ms = Math.max(0, endMs - nowMs);
      const level = this.#levels.get(beside) ?? { calls: 0, ms: 0 };
      this.#levels.set(beside, { calls: level.calls + 1, ms: level.ms + ms });
      this.#running -= 1;
      this.#calls += 1;
      this.#callMs += ms;
      return ms;
    };
  }

  waited(ms: number): void {
    this.#waitMs += Math.max(0, ms);
  }

  overloaded(): void {
    this.#overloads += 1;
  }
}
