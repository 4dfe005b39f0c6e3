/**
 * Starts of a Poisson process: the waits between them are independent and exponential, so that they come as those of many people who know nothing of each other. The same `random` gives
 * the same times, whatever a server does. Holds the last one alone.
 */
export class Arrivals {
  readonly #meanMs: number;
  readonly #random: () => number;
  #lastMs = 0;

  constructor(perSecond: number, random: () => number) {
    this.#meanMs = 1_000 / perSecond;
    this.#random = random;
  }

  /** Ms from the start of the run to the next one. */
  next(): number {
    this.#lastMs -= Math.log(1 - this.#random()) * this.#meanMs; // random() may be 0, and is never 1
    return this.#lastMs;
  }
}
