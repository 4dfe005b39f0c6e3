const enough = 400; // a mean with a spread as wide as itself is known to 5 % then
const mostSamples = 1_600;
const longMs = 1_000;
const nearEnough = 0.02;

/** Latencies of calls under one limit, until their typical length is known. Holds 1,600 of them. */
export class LatencyWindow {
  #samples: number[] = [];
  #sinceMs = 0;
  /** How many there must be before it is looked at again: each look sorts them. */
  #lookAt = 0;

  get size(): number {
    return this.#samples.length;
  }

  /** How long it has been filled. */
  tookMs(nowMs: number): number {
    return nowMs - this.#sinceMs;
  }

  add(ms: number, nowMs: number): void {
    if (this.#samples.length === 0) this.#sinceMs = nowMs;
    this.#samples.push(Math.max(ms, 0.001)); // an answer in no time would be an infinite throughput
  }

  clear(): void {
    this.#samples = [];
    this.#lookAt = 0;
  }

  /**
   * Whether `least` samples are there, and what is typical is known to 2 %, or `most` of them. Beyond the 400 that are enough there may be more of
   * them where they come fast: they cost no time.
   */
  isTelling(least: number, nowMs: number, most = enough): boolean {
    const { length } = this.#samples;
    if (length < least) return false;
    if (length >= Math.max(mostSamples, least)) return true;
    if (length >= most && (most < enough || nowMs - this.#sinceMs >= longMs)) return true;
    if (length < this.#lookAt) return false;
    this.#lookAt = length + Math.max(8, length >> 3);
    return this.error() <= nearEnough;
  }

  /**
   * The mean, with what is longer than four times the median taken for that: a few that are slow for reasons of their own (a long answer, a
   * cold cache) weigh little. Leaving them out would hide a queue, in which a few wait for long.
   */
  typicalMs(): number {
    const capped = this.#capped();
    return capped.reduce((sum, ms) => sum + ms, 0) / capped.length;
  }

  /** The standard error of what is typical, as a share of it. */
  error(): number {
    const typicalMs = this.typicalMs();
    const squares = this.#capped().reduce((sum, ms) => sum + (ms - typicalMs) ** 2, 0);
    return Math.sqrt(squares) / this.#samples.length / typicalMs;
  }

  #capped(): readonly number[] {
    const sorted = [...this.#samples].sort((a, b) => a - b);
    const most = 4 * (sorted[sorted.length >> 1] ?? 0);
    return this.#samples.map((ms) => Math.min(ms, most));
  }
}
