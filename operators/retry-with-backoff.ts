import type { OperatorFunction } from 'rxjs';
import { type OptionNames, requireFunction, requireMethods, requireOptions } from '../src/check-options.ts';
import { type Grade, isRetryable, OptionError, requireInteger, requireNumber } from '../src/errors.ts';
import { defaultMaxPauseMs } from '../src/retry-after.ts';
import type { RetryBudget } from '../src/policies/retry-budget.ts';
import { type Restart, type RetryRules, retryLoop } from './internal/retry-loop.ts';

export interface RetryWithBackoffOptions<R = never> {
  /** Most attempts, the first one included; at least 1. Overloads do not count. @defaultValue 4 */
  readonly attempts?: number;
  /** Longest wait before the second attempt, in ms; doubles from there. At least 0. @defaultValue 250 */
  readonly initialMs?: number;
  /** Longest wait of all, in ms, Retry-After aside; at least `initialMs`. @defaultValue 30,000 */
  readonly maxMs?: number;
  /** What is heeded at most of what the other side asks for (Retry-After), in ms; at least 0. @defaultValue 900,000 */
  readonly maxPauseMs?: number;
  /** Whether to try again after `error`; never asked for an AbortError. @defaultValue grade `transient`, `overload` or `resource` */
  readonly retryIf?: (error: unknown, grade: Grade) => boolean;
  /**
   * Makes the restart marker: what goes out before the values of a further attempt, where some have gone out before. Whoever reads
   * them must know that those before the marker are void. Without it a call that has emitted is not tried again. @defaultValue none
   */
  readonly afterValues?: (restart: Restart) => R;
  /** Bounds the retries of all calls that share it: when it is spent they wait, and never fail for it. @defaultValue none */
  readonly budget?: RetryBudget;
  /** From 0 up to 1. @defaultValue the pipeline's own */
  readonly random?: () => number;
}

/**
 * Tries a call again while another try could help. It is the one retry loop of a call, so put it outermost, around
 * timeout, permit and budget, which each attempt takes anew. Within another retryWithBackoff it makes one attempt, and a
 * call that has one is left alone by the pipeline's default (`retry` in definePipeline).
 *
 * The wait doubles, with full jitter: anywhere from 0 to `initialMs * 2^n`, at most `maxMs`. An error of grade
 * `transient` counts as an attempt, but for the first eight times that the call's model crashes (`model_crashed`): who of those in it
 * was the reason is found out there, and fails as `model_killed`; so does `resource` (out of memory, disk full), after a wait of seconds in which the
 * source is held, so that fewer run at once; `overload` (429, 503, 529) counts none, waits at least as long as the other
 * side asked (`retryAfterMs`, up to `maxPauseMs`), and asks the source to hold back meanwhile; the record's time stands still in that wait. Any other
 * wait ends before the record's deadline: if it would pass it, the call fails now, with the last error. Overloads are
 * waited out until somebody unsubscribes. Grades `record` and `pipeline`, and an AbortError, fail at once; so does what
 * fails after it has emitted a value, unless `afterValues` makes a restart marker. With a `budget` a retry also waits for its share of
 * that, in an order of chance; the record's time stands still meanwhile.
 *
 * On one cold call; values pass as they come. Holds one timer. Complete: passed on. Error: the last attempt's.
 * Unsubscribe: aborts the attempt, or ends the wait.
 * @throws OptionError at call time, for an option outside its range.
 * @see "Exponential Backoff and Jitter" (AWS Architecture Blog), which measured full jitter best.
 */
export function retryWithBackoff<T, R = never>(options: RetryWithBackoffOptions<R> = {}): OperatorFunction<T, T | R> {
  const rules = checked(options);
  return (source) => retryLoop(source, rules, 'operator');
}

const names: OptionNames<RetryWithBackoffOptions<unknown>> = {
  attempts: true,
  initialMs: true,
  maxMs: true,
  maxPauseMs: true,
  retryIf: true,
  afterValues: true,
  budget: true,
  random: true,
};

function checked<R>(options: RetryWithBackoffOptions<R>): RetryRules<R> {
  requireOptions<RetryWithBackoffOptions<R>>('retryWithBackoff', options, names);
  const { attempts = 4, initialMs = 250, maxMs = 30_000, retryIf = isWorthIt, afterValues, budget, random } = options;
  const { maxPauseMs = defaultMaxPauseMs } = options;
  requireInteger('retryWithBackoff.attempts', attempts, 1);
  requireNumber('retryWithBackoff.initialMs', initialMs, 0);
  requireNumber('retryWithBackoff.maxMs', maxMs, 0);
  if (maxMs < initialMs) {
    throw new OptionError(`retryWithBackoff.maxMs must be >= initialMs (${String(initialMs)}), got ${String(maxMs)}`);
  }
  requireNumber('retryWithBackoff.maxPauseMs', maxPauseMs, 0);
  requireFunction('retryWithBackoff.retryIf', retryIf, '(error, grade) => boolean');
  if (afterValues !== undefined) requireFunction('retryWithBackoff.afterValues', afterValues, '(restart) => marker');
  if (budget !== undefined) requireMethods('retryWithBackoff.budget', budget, ['called', 'retry'], 'a retryBudget({ … })');
  return { attempts, initialMs, maxMs, maxPauseMs, retryIf, afterValues, budget, ...(random && { random }) };
}

const isWorthIt = (_error: unknown, grade: Grade): boolean => isRetryable(grade);
