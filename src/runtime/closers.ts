import { type Clock, sleep } from '../clock.ts';

const patienceMs = 3_000;

/** What is open, and closed in reverse order. Holds a function for each. */
export class Closers {
  readonly #closers: (() => Promise<void> | void)[] = [];
  readonly #clock: Clock;
  readonly #failed: (error: unknown) => void;
  #isClosed = false;

  constructor(clock: Clock, failed: (error: unknown) => void) {
    this.#clock = clock;
    this.#failed = failed;
  }

  /** What comes after the end is closed at once. */
  add(close: () => Promise<void> | void): void {
    this.#closers.push(close);
    if (this.#isClosed) void this.close();
  }

  /** Closes everything, one after the other; one that takes longer than 3 s is left to itself, as an end must come to its end. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (let close = this.#closers.pop(); close; close = this.#closers.pop()) {
      const over = new AbortController();
      const late = sleep(this.#clock, patienceMs, over.signal).then(
        () => {
          this.#failed(new Error(`not closed within ${String(patienceMs)} ms`));
        },
        () => undefined, // it was
      );
      try {
        await Promise.race([close(), late]);
      } catch (error) {
        this.#failed(error);
      }
      over.abort();
    }
  }
}
