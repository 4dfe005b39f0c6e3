const turnsPerSecond = 5;

/** Lets so many through per second, a fifth of a second's worth at once and never less than one. Holds one number. */
export class Rate {
  readonly atOnce: number;
  readonly #perSecond: number;
  #nextMs = -Infinity;

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
    this.atOnce = Math.max(1, Math.floor(perSecond / turnsPerSecond));
  }

  /** How long the next have to wait. */
  waitMs(nowMs: number): number {
    return Math.max(0, this.#nextMs - nowMs);
  }

  went(count: number, nowMs: number): void {
    this.#nextMs = Math.max(nowMs, this.#nextMs) + (count * 1000) / this.#perSecond;
  }
}
