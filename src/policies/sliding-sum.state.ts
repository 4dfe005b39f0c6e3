import { Fifo } from '../fifo.ts';

/** How long what was spent counts: for a length of time, or until the day ends in UTC. */
export type SumWindow = { readonly kind: 'sliding'; readonly ms: number } | { readonly kind: 'utc-day' };

export interface SumRules {
  /** Infinity: none. */
  readonly limit: number;
  readonly window: SumWindow;
  /** It counts for so much longer: what is spent later may arrive sooner at whoever else counts. */
  readonly jitterMs: number;
}

/** What was spent at about the same time. It counts from its last moment on, so never too short. */
export interface SumBucket {
  readonly firstMs: number;
  lastMs: number;
  amount: number;
  gone: boolean;
}

/** What somebody else says is left, until then. */
interface Cap {
  left: number;
  readonly sinceMs: number;
  readonly untilMs: number;
}

export const dayMs = 86_400_000;
const bucketsPerWindow = 1000; // bounds the memory; what it costs is at most 0.1 % of a window of waiting

/**
 * What was spent in the last window, of one unit. In no stretch of time as long as a sliding window more is spent than its limit
 * allows: there is no boundary at which a second full budget begins. Holds about 1,000 sums.
 */
export class SlidingSum {
  readonly limit: number;
  readonly #rules: SumRules;
  readonly #grainMs: number;
  readonly #buckets = new Fifo<SumBucket>();
  #newest: SumBucket | undefined;
  #sum = 0;
  #nowMs = Number.NEGATIVE_INFINITY;
  #cap: Cap | undefined;

  constructor(rules: SumRules) {
    this.limit = rules.limit;
    this.#rules = rules;
    this.#grainMs = (rules.window.kind === 'sliding' ? rules.window.ms : dayMs) / bucketsPerWindow;
  }

  spent(nowMs: number): number {
    this.#expire(nowMs);
    return this.#sum;
  }

  /** Below 0 when more was used than reserved. */
  left(nowMs: number): number {
    return Math.min(this.limit - this.spent(nowMs), this.#cap?.left ?? Infinity);
  }

  /** What will be left then, if nothing else is spent until then. */
  leftAt(ms: number, nowMs: number): number {
    let left = this.limit - this.spent(nowMs);
    for (const bucket of this.#buckets) {
      if (this.#endMs(bucket.lastMs) > ms) break;
      left += bucket.amount;
    }
    return left;
  }

  /** When `amount` fits, if nothing else is spent until then; Infinity if it never does. */
  readyAtMs(amount: number, nowMs: number): number {
    this.#expire(nowMs);
    if (amount === 0) return this.#nowMs; // what uses nothing of it does not wait for it
    if (amount > this.limit) return Number.POSITIVE_INFINITY;
    let sum = this.#sum;
    let atMs = this.#nowMs;
    for (const bucket of this.#buckets) {
      if (sum + amount <= this.limit) break;
      sum -= bucket.amount;
      atMs = this.#endMs(bucket.lastMs);
    }
    return this.#cap !== undefined && amount > this.#cap.left ? Math.max(atMs, this.#cap.untilMs) : atMs;
  }

  /** `atMs`: when it was, or may be, spent, if not now; what was spent last was not later. */
  spend(amount: number, nowMs: number, atMs?: number): SumBucket {
    this.#expire(nowMs);
    const spentMs = Math.max(atMs ?? this.#nowMs, this.#newest?.lastMs ?? Number.NEGATIVE_INFINITY);
    let bucket = this.#newest;
    if (!bucket || bucket.gone || spentMs - bucket.firstMs >= this.#grainMs || this.#endMs(bucket.firstMs) < this.#dayEndMs(spentMs)) {
      bucket = { firstMs: spentMs, lastMs: spentMs, amount: 0, gone: false };
      this.#buckets.push(bucket);
      this.#newest = bucket;
    }
    bucket.lastMs = spentMs;
    bucket.amount += amount;
    this.#sum += amount;
    if (this.#cap) this.#cap.left -= amount;
    return bucket;
  }

  giveBack(bucket: SumBucket, amount: number): void {
    if (this.#cap && bucket.firstMs >= this.#cap.sinceMs) this.#cap.left += amount;
    if (bucket.gone) return;
    bucket.amount -= amount;
    this.#sum -= amount;
  }

  /** When the oldest of what counts ends to; Infinity if nothing does. */
  nextEndMs(nowMs: number): number {
    this.#expire(nowMs);
    const oldest = this.#buckets.peek();
    return oldest ? this.#endMs(oldest.lastMs) : Number.POSITIVE_INFINITY;
  }

  /** What was spent after `ms`; what counts together with something before it is left out. */
  spentSince(ms: number, nowMs: number): number {
    this.#expire(nowMs);
    let sum = 0;
    for (const { firstMs, amount } of this.#buckets) if (firstMs > ms) sum += amount;
    return sum;
  }

  /** From now until `untilMs` no more than `left` may be spent, whatever the limit says. */
  cap(left: number, nowMs: number, untilMs: number): void {
    this.#cap = { left, sinceMs: nowMs, untilMs };
  }

  /** The same, unless less may be spent already. */
  lowerCap(left: number, nowMs: number, untilMs: number): void {
    this.#expire(nowMs);
    if (this.#cap === undefined) this.cap(left, nowMs, untilMs);
    else this.cap(Math.min(left, this.#cap.left), nowMs, Math.max(untilMs, this.#cap.untilMs));
  }

  /** What counts, oldest first. */
  *entries(nowMs: number): Generator<{ readonly atMs: number; readonly amount: number }, void, undefined> {
    this.#expire(nowMs);
    for (const { lastMs, amount } of this.#buckets) yield { atMs: lastMs, amount };
  }

  #endMs(spentMs: number): number {
    const { window, jitterMs } = this.#rules;
    return (window.kind === 'sliding' ? spentMs + window.ms : this.#dayEndMs(spentMs)) + jitterMs;
  }

  // for a sliding window every bucket may grow until its grain is full: nothing ends before it
  #dayEndMs(spentMs: number): number {
    return this.#rules.window.kind === 'sliding' ? Number.NEGATIVE_INFINITY : (Math.floor(spentMs / dayMs) + 1) * dayMs;
  }

  #expire(nowMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, nowMs); // several clocks may share a budget; it only goes forward
    if (this.#cap && this.#cap.untilMs <= this.#nowMs) this.#cap = undefined;
    for (let oldest = this.#buckets.peek(); oldest && this.#endMs(oldest.lastMs) <= this.#nowMs; oldest = this.#buckets.peek()) {
      this.#buckets.shift();
      oldest.gone = true;
      this.#sum -= oldest.amount;
    }
  }
}
