const memoryMs = 30_000; // what was measured earlier may be of another world
const memoryWindows = 4; // and where calls are so long that a window is, this many of them
const mostPoints = 64;
const mostWeight = 4; // windows: more would not see a slow drift

interface Point {
  readonly rate: number;
  /** The standard error of one window, as a share of its rate. */
  readonly error: number;
  readonly atMs: number;
  /** How many windows it is the mean of. */
  readonly weight: number;
}

export interface Knee {
  /** The smallest limit whose throughput is the given share of the best, between what was measured. */
  readonly level: number;
  /** The lowest limit that was measured. */
  readonly lowest: number;
  /** Whether a lower limit was measured and gave less: else the knee may lie lower still. */
  readonly bracketed: boolean;
}

/** Throughput by limit, as measured in the last 30 s, or in four windows where those take longer. Holds 64 points. */
export class ThroughputCurve {
  #points = new Map<number, Point>();
  #windowMs = 0;

  /** How long the last window took. */
  took(ms: number): void {
    this.#windowMs = ms;
  }

  /** The mean of the last few windows at this limit; after what chance does not explain, only that. */
  put(level: number, rate: number, error: number, nowMs: number): void {
    const known = this.#points.get(level);
    const isSame = known !== undefined && known.atMs > this.#oldest(nowMs) && Math.abs(rate / known.rate - 1) < 0.15;
    const weight = isSame ? Math.min(known.weight + 1, mostWeight) : 1;
    this.#points.delete(level);
    this.#points.set(level, { rate: isSame ? known.rate + (rate - known.rate) / weight : rate, error, atMs: nowMs, weight });
    const [oldest] = this.#points.keys();
    if (this.#points.size > mostPoints && oldest !== undefined) this.#points.delete(oldest);
  }

  /** What is to be expected at a limit; undefined below and above all that was measured. */
  at(level: number, nowMs: number): number | undefined {
    const known = this.#known(nowMs);
    const above = known.findIndex((one) => one.level >= level);
    const [low, high] = [known[above - 1], known[above]];
    if (high === undefined) return undefined;
    if (high.level === level) return high.rate;
    return low && low.rate + ((high.rate - low.rate) * (level - low.level)) / (high.level - low.level);
  }

  knee(share: number, nowMs: number): Knee | undefined {
    const known = this.#known(nowMs);
    // the best of several that are known roughly looks better than it is
    const wanted = share * Math.max(...known.map(({ rate, error }) => rate * (1 - error)));
    const at = known.findIndex(({ rate }) => rate >= wanted);
    const [low, high, lowest] = [known[at - 1], known[at], known[0]];
    if (high === undefined || lowest === undefined) return undefined;
    if (low === undefined) return { level: high.level, lowest: lowest.level, bracketed: false };
    const level = low.level + ((high.level - low.level) * (wanted - low.rate)) / (high.rate - low.rate);
    return { level: Math.ceil(level - 1e-9), lowest: lowest.level, bracketed: true };
  }

  /** Forgets `level` and all above. */
  forgetFrom(level: number): void {
    for (const one of [...this.#points.keys()]) if (one >= level) this.#points.delete(one);
  }

  /** Forgets all below `level`. */
  forgetBelow(level: number): void {
    for (const one of [...this.#points.keys()]) if (one < level) this.#points.delete(one);
  }

  #oldest(nowMs: number): number {
    return nowMs - Math.max(memoryMs, memoryWindows * this.#windowMs);
  }

  #known(nowMs: number): readonly { readonly level: number; readonly rate: number; readonly error: number }[] {
    return [...this.#points]
      .filter(([, { atMs }]) => atMs > this.#oldest(nowMs))
      .map(([level, { rate, error, weight }]) => ({ level, rate, error: error / Math.sqrt(weight) }))
      .sort((a, b) => a.level - b.level);
  }
}
