const mostSamples = 400; // a mean with a spread as wide as itself is known to 5 % then
const nearEnough = 0.02;

/** Latencies of calls under one limit, until their typical length is known. Holds 400 of them. */
export class LatencyWindow {
  #samples: number[] = [];

  get size(): number {
    return this.#samples.length;
  }

  add(ms: number): void {
    this.#samples.push(Math.max(ms, 0.001)); // an answer in no time would be an infinite throughput
  }

  clear(): void {
    this.#samples = [];
  }

  /** Whether `least` samples are there, and what is typical is known to 2 %, or there is no room for more. */
  isTelling(least: number): boolean {
    const { length } = this.#samples;
    if (length >= Math.max(mostSamples, least)) return true;
    return length >= least && length % 8 === 0 && this.#error() <= nearEnough;
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
  #error(): number {
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
