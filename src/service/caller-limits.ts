import { OverloadError } from '../errors.ts';
import { SlidingSum, type SumBucket } from '../policies/sliding-sum.state.ts';
import type { Caller } from './callers.ts';

interface Sums {
  readonly requests: SlidingSum | undefined;
  readonly tokens: SlidingSum | undefined;
}

/** What a request has taken of its caller's minute. Told at its end what it really used, the rest is given back; twice does nothing. */
export type Taken = (usedTokens?: number) => void;

const minuteMs = 60_000;
const nothing: Taken = () => undefined;

/**
 * How much a caller has had in the last minute, of all models together: requests, and tokens of prompts and answers. A request takes what it may use at most, and gives back what it did
 * not. In no minute more begins than the limits allow. Holds about 2,000 sums for each caller that has limits.
 */
export class CallerLimits {
  readonly #sums = new Map<string, Sums>();

  /** @throws OverloadError with `retryAfterMs`, when the limits of the caller let it in. */
  take(caller: Caller, tokens: number, nowMs: number): Taken {
    const sums = this.#sumsOf(caller);
    if (sums === undefined) return nothing;
    requireRoom(caller.name, 'requests', sums.requests, 1, nowMs);
    requireRoom(caller.name, 'tokens', sums.tokens, tokens, nowMs);
    sums.requests?.spend(1, nowMs);
    let bucket: SumBucket | undefined = sums.tokens?.spend(tokens, nowMs);
    return (usedTokens = 0) => {
      if (bucket) sums.tokens?.giveBack(bucket, tokens - usedTokens);
      bucket = undefined;
    };
  }

  #sumsOf({ name, requestsPerMinute, tokensPerMinute }: Caller): Sums | undefined {
    if (requestsPerMinute === undefined && tokensPerMinute === undefined) return undefined;
    let sums = this.#sums.get(name);
    if (sums === undefined) {
      sums = { requests: sumOf(requestsPerMinute), tokens: sumOf(tokensPerMinute) };
      this.#sums.set(name, sums);
    }
    return sums;
  }
}

const sumOf = (limit: number | undefined): SlidingSum | undefined =>
  limit === undefined ? undefined : new SlidingSum({ limit, window: { kind: 'sliding', ms: minuteMs }, jitterMs: 0 });

function requireRoom(name: string, unit: string, sum: SlidingSum | undefined, amount: number, nowMs: number): void {
  if (sum === undefined) return;
  const atMs = sum.readyAtMs(amount, nowMs);
  if (atMs <= nowMs) return;
  if (atMs === Number.POSITIVE_INFINITY)
    throw new OverloadError(
      `${name} may use ${String(sum.limit)} ${unit} a minute, and this request alone may take ${String(amount)}: ask for fewer with max_tokens`,
      { status: 429 },
    );
  throw new OverloadError(
    `${name} may use ${String(sum.limit)} ${unit} a minute, and has used ${String(Math.round(sum.spent(nowMs)))}: try again later`,
    { status: 429, retryAfterMs: atMs - nowMs },
  );
}
