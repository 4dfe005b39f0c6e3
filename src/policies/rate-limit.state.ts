export interface RateRules {
  /** Most starts at once. */
  readonly capacity: number;
  readonly refillPerSecond: number;
  readonly minIntervalMs: number;
}

/**
 * A token bucket, as one number: when it will be full again. A start moves that time by what one token takes to come back.
 * @see the generic cell rate algorithm (ITU-T I.371)
 */
export class RateState {
  readonly #rules: RateRules;
  readonly #everyMs: number;
  #fullAtMs = Number.NEGATIVE_INFINITY;
  #nextAtMs = Number.NEGATIVE_INFINITY;

  constructor(rules: RateRules) {
    this.#rules = rules;
    this.#everyMs = 1000 / rules.refillPerSecond;
  }

  /** Starts that are free, parts of one included. */
  free(nowMs: number): number {
    return this.#rules.capacity - Math.max(0, this.#fullAtMs - nowMs) / this.#everyMs;
  }

  /** When the next call may start, if none starts until then. */
  readyAtMs(nowMs: number): number {
    return Math.max(nowMs, this.#fullAtMs - (this.#rules.capacity - 1) * this.#everyMs, this.#nextAtMs);
  }

  /** A call starts; ask `readyAtMs` first. */
  take(nowMs: number): void {
    this.#fullAtMs = Math.max(nowMs, this.#fullAtMs) + this.#everyMs;
    this.#nextAtMs = nowMs + this.#rules.minIntervalMs;
  }
}
