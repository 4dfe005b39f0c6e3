const unknownMs = 1_000; // before anything has ended
const shortestMs = 1_000; // what Retry-After can say
const longestMs = 60_000;

/** How long requests take of late, and so when it may be worth to come again. Holds one number. */
export class ServiceTimes {
  #meanMs: number | undefined;

  took(ms: number): void {
    this.#meanMs = this.#meanMs === undefined ? ms : this.#meanMs + (ms - this.#meanMs) / 16;
  }

  /** When `ahead` requests will have begun at `places` places; 1 s to a minute. */
  retryAfterMs(ahead: number, places: number): number {
    const ms = ((this.#meanMs ?? unknownMs) * ahead) / Math.max(1, places);
    return Math.min(longestMs, Math.max(shortestMs, ms));
  }
}
