import { type MonoTypeOperatorFunction, Observable, type Subscription } from 'rxjs';
import type { CancelTimer } from '../src/clock.ts';
import { currentScope, inScope } from '../src/call.ts';
import { classify, type Grade, isAbortError, OptionError, requireInteger, requireNumber } from '../src/errors.ts';
import { waitBeforeRetry } from '../src/policies/backoff.state.ts';
import { whileWanted } from './internal/operate.ts';

export interface RetryWithBackoffOptions {
  /** Most attempts, the first one included; at least 1. Overloads do not count. @defaultValue 4 */
  readonly attempts?: number;
  /** Longest wait before the second attempt, in ms; doubles from there. At least 0. @defaultValue 250 */
  readonly initialMs?: number;
  /** Longest wait of all, in ms, Retry-After aside; at least `initialMs`. @defaultValue 30,000 */
  readonly maxMs?: number;
  /** Whether to try again after `error`; never asked for an AbortError. @defaultValue grade `transient` or `overload` */
  readonly retryIf?: (error: unknown, grade: Grade) => boolean;
  /** Whether to try again although values have gone out: downstream then gets pieces of two attempts. @defaultValue false */
  readonly afterValues?: boolean;
  /** From 0 up to 1. @defaultValue Math.random */
  readonly random?: () => number;
}

/**
 * Tries a call again while another try could help. It is the one retry loop of a call, so put it outermost, around
 * timeout, permit and budget, which each attempt takes anew.
 *
 * The wait doubles, with full jitter: anywhere from 0 to `initialMs * 2^n`, at most `maxMs`. An error of grade
 * `transient` counts as an attempt; `overload` (429, 503, 529) counts none, waits at least as long as the other side
 * asked (`retryAfterMs`), and asks the source to hold back meanwhile. Both only up to the record's deadline: if the wait
 * would pass it, the call fails now, with the last error. Outside a pipeline there is no deadline, and overloads are
 * waited out until somebody unsubscribes. Grades `record` and `pipeline`, and an AbortError, fail at once; so does what
 * fails after it has emitted a value, unless `afterValues`.
 *
 * On one cold call; values pass as they come. Holds one timer. Complete: passed on. Error: the last attempt's.
 * Unsubscribe: aborts the attempt, or ends the wait.
 * @throws OptionError at call time, for an option outside its range.
 * @see "Exponential Backoff and Jitter" (AWS Architecture Blog), which measured full jitter best.
 */
export function retryWithBackoff<T>(options: RetryWithBackoffOptions = {}): MonoTypeOperatorFunction<T> {
  const { retryIf, afterValues, random, ...backoff } = checked(options);
  return (source) =>
    new Observable<T>((out) => {
      const scope = currentScope();
      const { clock, tries, deadlineMs } = scope;
      let subscription: Subscription | undefined;
      let stopWaiting: CancelTimer | undefined;
      let attempt = 0; // that ran and count, the present one included
      let overloads = 0; // in a row
      let hasEmitted = false;

      const waitAfter = (error: unknown): number | undefined => {
        if (isAbortError(error) || (hasEmitted && !afterValues)) return undefined;
        const grade = classify(error);
        if (!retryIf(error, grade)) return undefined;
        const isOverload = grade === 'overload';
        overloads = isOverload ? overloads + 1 : 0;
        const failed = { grade, attempt, overloads, retryAfterMs: retryAfterMs(error), random: random(), nowMs: clock.nowMs(), deadlineMs };
        const waitMs = waitBeforeRetry(backoff, failed);
        if (isOverload && waitMs !== undefined) {
          attempt -= 1;
          tries.count -= 1;
          scope.hold('the called service asks for less (overload)', failed.nowMs + waitMs);
        }
        return waitMs;
      };
      const onError = (error: unknown): void => {
        subscription?.unsubscribe(); // first: what the attempt held must be free for the next
        try {
          const waitMs = waitAfter(error);
          if (waitMs === undefined) out.error(error);
          else stopWaiting = clock.schedule(waitMs, run);
        } catch (thrown) {
          out.error(thrown); // retryIf or random
        }
      };
      const run = (): void => {
        attempt += 1;
        tries.count += 1;
        inScope({ ...scope, attempt }, () => {
          subscription = whileWanted(source, out).subscribe({
            next: (value) => {
              hasEmitted = true;
              out.next(value);
            },
            error: onError,
            complete: () => {
              out.complete();
            },
          });
        });
        if (out.closed) subscription?.unsubscribe();
      };
      out.add(() => {
        subscription?.unsubscribe();
        stopWaiting?.();
      });
      run();
    });
}

function checked(options: RetryWithBackoffOptions): Required<RetryWithBackoffOptions> {
  const { attempts = 4, initialMs = 250, maxMs = 30_000, retryIf = isWorthIt, afterValues = false, random = Math.random } = options;
  requireInteger('retryWithBackoff.attempts', attempts, 1);
  requireNumber('retryWithBackoff.initialMs', initialMs, 0);
  requireNumber('retryWithBackoff.maxMs', maxMs, 0);
  if (maxMs < initialMs) {
    throw new OptionError(`retryWithBackoff.maxMs must be >= initialMs (${String(initialMs)}), got ${String(maxMs)}`);
  }
  return { attempts, initialMs, maxMs, retryIf, afterValues, random };
}

const isWorthIt = (_error: unknown, grade: Grade): boolean => grade === 'transient' || grade === 'overload';

function retryAfterMs(error: unknown): number {
  const asked = typeof error === 'object' && error !== null && 'retryAfterMs' in error ? error.retryAfterMs : undefined;
  return typeof asked === 'number' && asked > 0 ? asked : 0;
}
