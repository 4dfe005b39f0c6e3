import type { SeedProcess } from './start-seed-process.ts';

export interface SeedProcessesOptions {
  /** Told once of each process whether it waits for its seed, or is gone. */
  readonly start: (onUp: () => void) => SeedProcess;
  /** Processes that start at once, at most. */
  readonly mostStarting: number;
  /** Processes that wait for a seed, at most; 0 begins none ahead. */
  readonly most: number;
  /** Seeds that nobody has begun with yet. */
  readonly left: () => number;
}

/** Takes a process, and whether it was begun ahead: then it may have been killed before, and its end not be told yet. */
type Give = (process: SeedProcess, isAhead: boolean) => void;

/**
 * A process for each seed, used once. One is begun ahead whenever a seed waits for its model, so that the next seed does not wait for its start. A start is work for a whole core: more of them at once than there are cores
 * would make all of them late, where one after the other only the last is.
 * Holds `most` that wait, and no more than there are seeds left; seeds that wait for a process are as many as are worked on at once.
 */
export class SeedProcesses {
  readonly #options: SeedProcessesOptions;
  readonly #queue = new Set<Give>();
  #waiting: SeedProcess[] = [];
  #starting = 0;
  #isClosed = false;

  constructor(options: SeedProcessesOptions) {
    this.#options = options;
  }

  /** Gives one that lives, now or when others have started: one that waited may have been killed. Returns what gives up waiting. */
  take(give: Give): () => void {
    this.#waiting = this.#waiting.filter(({ isAlive }) => isAlive);
    const ready = this.#waiting.shift();
    if (ready) give(ready, true);
    else if (this.#starting < this.#options.mostStarting) give(this.#start(), false);
    else this.#queue.add(give);
    return () => {
      this.#queue.delete(give);
    };
  }

  /** For the first seeds, while what they come through is opened; not where there is no room for any ahead. */
  beginFirst(count: number): void {
    for (let begun = 0; begun < count; begun += 1) this.beginAhead();
  }

  beginAhead(): void {
    const { most, left, mostStarting } = this.#options;
    this.#waiting = this.#waiting.filter(({ isAlive }) => isAlive);
    if (this.#isClosed || this.#starting >= mostStarting || this.#waiting.length >= Math.min(most, left())) return;
    this.#waiting.push(this.#start());
  }

  /** Ends those that wait. */
  close(): void {
    this.#isClosed = true;
    for (const one of this.#waiting) one.kill();
    this.#waiting = [];
  }

  #start(): SeedProcess {
    this.#starting += 1;
    return this.#options.start(() => {
      this.#starting -= 1;
      const [next] = this.#queue;
      if (next === undefined) return;
      this.#queue.delete(next);
      next(this.#start(), false);
    });
  }
}
