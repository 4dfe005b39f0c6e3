/** Exponential waits with a cap, for what must succeed in the end: the log, a broken pipeline. Holds one counter. */
export class Backoff {
  readonly #initialMs: number;
  readonly #maxMs: number;
  #failures = 0;

  constructor(initialMs: number, maxMs: number) {
    this.#initialMs = initialMs;
    this.#maxMs = maxMs;
  }

  /** Failures since the last success. */
  get failures(): number {
    return this.#failures;
  }

  succeeded(): void {
    this.#failures = 0;
  }

  /** The wait after one more failure, in ms. */
  failed(): number {
    this.#failures += 1;
    return Math.min(this.#maxMs, this.#initialMs * 2 ** Math.min(this.#failures - 1, 30));
  }
}
