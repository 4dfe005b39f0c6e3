import { Fifo } from '../fifo.ts';

export interface BudgetLimits {
  /** Infinity: no limit. */
  readonly tokens: number;
  /** Infinity: no limit. */
  readonly requests: number;
  readonly windowMs: number;
}

/** What was spent at about the same time. It counts until its last moment is a window ago, so never too short. */
interface Bucket {
  readonly firstMs: number;
  lastMs: number;
  tokens: number;
  requests: number;
  gone: boolean;
}

/** One call's share of the budget. */
export interface Reservation {
  readonly tokens: number;
  readonly bucket: object;
}

const bucketsPerWindow = 1000; // bounds the memory; what it costs is at most 0.1 % of a window of waiting

/**
 * What was spent in the last window. In no stretch of time as long as the window more is reserved than the limits allow:
 * there is no boundary at which a second full budget begins.
 */
export class BudgetState {
  readonly limits: BudgetLimits;
  readonly #buckets = new Fifo<Bucket>();
  #newest: Bucket | undefined;
  #tokens = 0;
  #requests = 0;
  #nowMs = Number.NEGATIVE_INFINITY;

  constructor(limits: BudgetLimits) {
    this.limits = limits;
  }

  /** Tokens and requests that count now. */
  spent(nowMs: number): { readonly tokens: number; readonly requests: number } {
    this.#expire(nowMs);
    return { tokens: this.#tokens, requests: this.#requests };
  }

  /** When a call of `tokens` fits, if nothing else is spent until then; Infinity if it never does. */
  readyAtMs(tokens: number, nowMs: number): number {
    this.#expire(nowMs);
    if (tokens > this.limits.tokens) return Number.POSITIVE_INFINITY;
    let spent = this.#tokens;
    let requests = this.#requests;
    const fits = (): boolean => spent + tokens <= this.limits.tokens && requests + 1 <= this.limits.requests;
    let atMs = this.#nowMs;
    for (const bucket of this.#buckets) {
      if (fits()) break;
      spent -= bucket.tokens;
      requests -= bucket.requests;
      atMs = bucket.lastMs + this.limits.windowMs;
    }
    return atMs;
  }

  /** Spends before the call; ask `readyAtMs` first. */
  reserve(tokens: number, nowMs: number): Reservation {
    this.#expire(nowMs);
    return { tokens, bucket: this.#spend(tokens, 1) };
  }

  /**
   * Corrects a reservation to what was used. Less goes back to the time of the reservation; more is spent now, since
   * that is when it became known.
   */
  settle({ tokens, bucket }: Reservation, usedTokens: number, nowMs: number): void {
    this.#expire(nowMs);
    if (usedTokens > tokens) this.#spend(usedTokens - tokens, 0);
    else this.#giveBack(bucket as Bucket, tokens - usedTokens, 0);
  }

  /** The call was never made. */
  cancel({ tokens, bucket }: Reservation): void {
    this.#giveBack(bucket as Bucket, tokens, 1);
  }

  #spend(tokens: number, requests: number): Bucket {
    let bucket = this.#newest;
    if (!bucket || bucket.gone || this.#nowMs - bucket.firstMs >= this.limits.windowMs / bucketsPerWindow) {
      bucket = { firstMs: this.#nowMs, lastMs: this.#nowMs, tokens: 0, requests: 0, gone: false };
      this.#buckets.push(bucket);
      this.#newest = bucket;
    }
    bucket.lastMs = this.#nowMs;
    bucket.tokens += tokens;
    bucket.requests += requests;
    this.#tokens += tokens;
    this.#requests += requests;
    return bucket;
  }

  #giveBack(bucket: Bucket, tokens: number, requests: number): void {
    if (bucket.gone) return;
    bucket.tokens -= tokens;
    bucket.requests -= requests;
    this.#tokens -= tokens;
    this.#requests -= requests;
  }

  #expire(nowMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, nowMs); // several clocks may share a budget; it only goes forward
    for (let oldest = this.#buckets.peek(); oldest && oldest.lastMs + this.limits.windowMs <= this.#nowMs; oldest = this.#buckets.peek()) {
      this.#buckets.shift();
      oldest.gone = true;
      this.#tokens -= oldest.tokens;
      this.#requests -= oldest.requests;
    }
  }
}
