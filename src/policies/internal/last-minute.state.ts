const slices = 6;
const sliceMs = 10_000;
const buckets = 96; // times 1.2 each, from 1 ms: up to 7 hours
const growth = Math.log(1.2);

interface Slice {
  readonly fromMs: number;
  /** By length: 0 for less than 1 ms. */
  readonly waits: Float64Array;
  waited: number;
  /** The integral of what was used, in milliseconds. */
  usedMs: number;
  coveredMs: number;
}

/**
 * How long calls waited, and how many ran, in the last 50 to 60 s. Holds six histograms of 97 buckets each, whatever the number of calls; a
 * quantile is told at most 20 % too high.
 */
export class LastMinute {
  #slices: Slice[] = [];
  #used = 0;
  #sinceMs = Number.NaN; // nothing has begun yet

  /** A call waited so long for its permit. */
  waited(ms: number, nowMs: number): void {
    const slice = this.#sliceAt(nowMs);
    const bucket = ms < 1 ? 0 : Math.min(buckets, 1 + Math.floor(Math.log(ms) / growth));
    slice.waits[bucket] = (slice.waits[bucket] ?? 0) + 1;
    slice.waited += 1;
  }

  /** So many run from now on. */
  use(used: number, nowMs: number): void {
    this.#account(nowMs);
    this.#used = used;
  }

  /** The wait that the share `q` of the calls did not exceed, in ms; 0 for none. */
  waitMs(q: number, nowMs: number): number {
    const kept = this.#kept(nowMs);
    const rank = q * kept.reduce((sum, { waited }) => sum + waited, 0);
    let below = 0;
    for (let bucket = 0; bucket <= buckets; bucket += 1) {
      below += kept.reduce((sum, { waits }) => sum + (waits[bucket] ?? 0), 0);
      if (below > 0 && below >= rank) return bucket === 0 ? 0 : Math.exp(bucket * growth);
    }
    return 0;
  }

  /** How many ran, on average over time. */
  meanUse(nowMs: number): number {
    this.#account(nowMs);
    const kept = this.#kept(nowMs);
    const coveredMs = kept.reduce((sum, one) => sum + one.coveredMs, 0);
    return coveredMs === 0 ? this.#used : kept.reduce((sum, { usedMs }) => sum + usedMs, 0) / coveredMs;
  }

  /** Puts the time since the last change into the slices that it lies in. */
  #account(nowMs: number): void {
    if (Number.isNaN(this.#sinceMs)) this.#sinceMs = nowMs;
    let fromMs = Math.max(this.#sinceMs, nowMs - slices * sliceMs); // what is older is forgotten anyway
    while (fromMs < nowMs) {
      const slice = this.#sliceAt(fromMs);
      const toMs = Math.min(nowMs, slice.fromMs + sliceMs);
      slice.usedMs += this.#used * (toMs - fromMs);
      slice.coveredMs += toMs - fromMs;
      fromMs = toMs;
    }
    this.#sinceMs = Math.max(this.#sinceMs, nowMs); // several clocks may share a policy; it only goes forward
  }

  #sliceAt(nowMs: number): Slice {
    const fromMs = Math.floor(nowMs / sliceMs) * sliceMs;
    const newest = this.#slices.at(-1);
    if (newest && newest.fromMs >= fromMs) return newest;
    const slice: Slice = { fromMs, waits: new Float64Array(buckets + 1), waited: 0, usedMs: 0, coveredMs: 0 };
    this.#slices = [...this.#slices.slice(1 - slices), slice];
    return slice;
  }

  #kept(nowMs: number): readonly Slice[] {
    return this.#slices.filter(({ fromMs }) => fromMs > nowMs - slices * sliceMs);
  }
}
