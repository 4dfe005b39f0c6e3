import { defer, type MonoTypeOperatorFunction } from 'rxjs';
import { currentScope } from '../src/call.ts';
import { type OptionNames, requireMethods, requireOptions } from '../src/check-options.ts';
import { requireNumber } from '../src/errors.ts';
import { hedged } from '../src/policies/internal/hedged.ts';
import type { RetryBudget } from '../src/policies/retry-budget.ts';

export interface HedgeOptions {
  /** How long the first attempt has for its first value, in ms, before a second one begins; at least 0. About the p95 of the call is worth most. */
  readonly afterMs: number;
  /** Bounds the second attempts of all calls that share it; when it is spent there is none. @defaultValue none: every slow call has one */
  readonly budget?: RetryBudget;
}

const names: OptionNames<HedgeOptions> = { afterMs: true, budget: true };

/**
 * Makes a second attempt at a call that has not begun to answer after `afterMs`, beside the first, and takes the one that answers first; the other is
 * aborted. It cuts the tail of latencies that come from where a call landed, and costs calls: bound it by a `budget`, and make only calls twice that may be.
 *
 * On one cold call; values are those of one attempt. Holds one timer and at most two attempts. Complete: of the attempt that answers. Error: of an
 * attempt that fails alone; one that fails beside the other leaves it to the other, and the last error counts. An error before `afterMs` is passed on at once:
 * trying again is for `retryWithBackoff`. Unsubscribe: aborts both.
 * @throws OptionError at call time, for an option outside its range.
 * @see "The Tail at Scale" (Dean, Barroso), hedged requests; tower's `Hedge`.
 */
export function hedge<T>(options: HedgeOptions): MonoTypeOperatorFunction<T> {
  requireOptions('hedge', options, names);
  const { afterMs, budget } = options;
  requireNumber('hedge.afterMs', afterMs, 0);
  if (budget !== undefined) requireMethods('hedge.budget', budget, ['called', 'take'], 'a retryBudget({ … })');
  return (source) =>
    defer(() => {
      budget?.called(currentScope().clock.nowMs());
      return hedged(source, { afterMs, may: (nowMs) => budget === undefined || budget.take(nowMs) });
    });
}
