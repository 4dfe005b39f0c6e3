const everyMs = 250;
const kept = 61;

/** How fast something is at present: over the last 15 s, or, where less than 60 things happen in them, over the last 60. Holds 61 samples. */
export class RecentRate {
  /** Oldest first; the first is from when nothing had happened yet. */
  readonly #samples: { readonly atMs: number; readonly count: number }[];

  constructor(startedMs: number) {
    this.#samples = [{ atMs: startedMs, count: 0 }];
  }

  /** `count` of them have happened until now. */
  add(count: number, nowMs: number): void {
    const last = this.#samples.at(-1);
    if (last === undefined || (nowMs - last.atMs < everyMs && this.#samples.length > 1)) return;
    this.#samples.push({ atMs: nowMs, count });
    if (this.#samples.length > kept) this.#samples.shift();
  }

  /** A second, when `count` have happened until now; falls while nothing happens. */
  perSecond(count: number, nowMs: number): number {
    const first = this.#samples[0];
    if (first === undefined || nowMs <= first.atMs) return 0;
    return ((count - first.count) * 1_000) / (nowMs - first.atMs);
  }
}
