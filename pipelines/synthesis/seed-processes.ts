import type { SeedProcess } from './start-seed-process.ts';

export interface SeedProcessesOptions {
  readonly start: () => SeedProcess;
  /** Processes that wait for a seed, at most; 0 begins none ahead. */
  readonly most: number;
  /** Seeds that nobody has begun with yet. */
  readonly left: () => number;
}

/**
 * A process for each seed, used once. One is begun ahead whenever a seed waits for its model, so that the next seed does not wait for its start, which takes a tenth of a small seed's time and more where several start at once.
 * Holds `most` that wait, and no more than there are seeds left.
 */
export class SeedProcesses {
  readonly #options: SeedProcessesOptions;
  #waiting: SeedProcess[] = [];
  #isClosed = false;

  constructor(options: SeedProcessesOptions) {
    this.#options = options;
  }

  /** One that lives: it may have been killed while it waited. */
  take(): SeedProcess {
    this.#waiting = this.#waiting.filter(({ isAlive }) => isAlive);
    return this.#waiting.shift() ?? this.#options.start();
  }

  beginAhead(): void {
    const { start, most, left } = this.#options;
    this.#waiting = this.#waiting.filter(({ isAlive }) => isAlive);
    if (!this.#isClosed && this.#waiting.length < Math.min(most, left())) this.#waiting.push(start());
  }

  /** Ends those that wait. */
  close(): void {
    this.#isClosed = true;
    for (const one of this.#waiting) one.kill();
    this.#waiting = [];
  }
}
