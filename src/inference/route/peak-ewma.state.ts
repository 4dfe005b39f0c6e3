/** How fast what was seen is forgotten: after so long it weighs 1/e. Calls of models take seconds, so a few of them are remembered. */
const memoryMs = 30_000;

/**
 * A mean that follows peaks at once and forgets them slowly: one slow call is reason enough to ask others, and only time, or quick calls, give trust back. Without
 * calls it falls to 0, so that who is not asked any more for being slow is tried again. Holds two numbers.
 * @see Finagle's peak EWMA.
 */
export class PeakEwma {
  #mean = 0;
  #atMs = Number.NEGATIVE_INFINITY;

  observe(ms: number, nowMs: number): void {
    const kept = this.#keptAt(nowMs);
    this.#mean = ms > this.#mean ? ms : this.#mean * kept + ms * (1 - kept);
    this.#atMs = Math.max(this.#atMs, nowMs);
  }

  value(nowMs: number): number {
    return this.#mean * this.#keptAt(nowMs);
  }

  #keptAt(nowMs: number): number {
    return Math.exp(-Math.max(0, nowMs - this.#atMs) / memoryMs);
  }
}
