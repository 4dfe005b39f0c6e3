import { Observable, type Subscriber, type Subscription } from 'rxjs';
import { type CallScope, currentScope, inScope, scopeWith } from '../../src/call.ts';
import { classify, telling } from '../../src/classify.ts';
import type { CancelTimer } from '../../src/clock.ts';
import { type Grade, isAbortError, isStreamError, type StreamError } from '../../src/errors.ts';
import { type Backoff, waitBeforeRetry } from '../../src/policies/backoff.state.ts';
import { retryAfterOf } from '../../src/retry-after.ts';
import type { RetryLimit } from '../../src/record/run.ts';
import { keepTry } from '../../src/record/tries.ts';
import { whileWanted } from './operate.ts';

export interface RetryRules<R = never> extends Backoff {
  readonly retryIf: (error: unknown, grade: Grade) => boolean;
  /** Makes what goes out before the values of a further attempt, when some have gone out; without it there is none then. */
  readonly afterValues?: ((restart: Restart) => R) | undefined;
  readonly budget?: RetryLimit | undefined;
  /** What is heeded at most of what the other side asks for (Retry-After). */
  readonly maxPauseMs?: number | undefined;
  /** @defaultValue the scope's own */
  readonly random?: () => number;
}

/** A further attempt at a call that has emitted. */
export interface Restart {
  /** Its number, as `ctx.attempt` tells it. */
  readonly attempt: number;
  /** What ended the one before. */
  readonly error: unknown;
}

/** Who asks for the attempts: an operator on the call, or the pipeline for calls that have none. */
export type RetriedBy = 'operator' | 'default';

/**
 * The one retry loop there is. An operator within another one makes a single attempt, so that loops never multiply; the
 * default steps back for good as soon as it sees that an operator has worked on the call.
 */
export function retryLoop<T, R = never>(source: Observable<T>, rules: RetryRules<R>, by: RetriedBy): Observable<T | R> {
  return new Observable<T | R>((out) => {
    const scope = currentScope();
    if (by === 'operator') scope.tries.hasOperator = true;
    if (scope.isRetried) {
      out.add(whileWanted(source, out).subscribe(out));
      return;
    }
    const { clock } = scope;
    const loop = new Loop(scope, rules, by);
    let subscription: Subscription | undefined;
    let stopWaiting: CancelTimer | undefined;
    let hasEmitted = false;
    let last: unknown;

    const onError = (error: unknown): void => {
      subscription?.unsubscribe(); // first: what the attempt held must be free for the next
      last = error;
      try {
        const waitMs = hasEmitted && !rules.afterValues ? undefined : loop.waitAfter(error);
        if (waitMs === undefined) out.error(error);
        else stopWaiting = clock.schedule(waitMs, again);
      } catch (thrown) {
        out.error(thrown); // retryIf or random
      }
    };
    const again = (): void => {
      const leave = loop.whenAllowed(run);
      if (leave) stopWaiting = leave; // else it has run, and perhaps waits for the next
    };
    const run = (): void => {
      const attempt = loop.begin();
      const inside = insideOf(scope, by, attempt);
      inScope(inside, () => {
        if (hasEmitted) announce(out, rules, { attempt: inside.attempt, error: last });
        if (out.closed) return;
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
      loop.waited();
    });
    rules.budget?.called(clock.nowMs());
    run();
  });
}

/** The scope of an attempt; the first one of the pipeline's default knows nothing that the call does not. */
function insideOf(scope: CallScope, by: RetriedBy, attempt: number): CallScope {
  if (by === 'operator') return scopeWith(scope, { attempt, isRetried: true, waitsOut: true });
  const made = scope.tries.count + 1;
  return scope.waitsOut && scope.attempt === made ? scope : scopeWith(scope, { attempt: made, waitsOut: true });
}

const asksForLess = 'the called service asks for less (overload)';

/** A model that goes down more often in one call counts as an attempt each time: whatever it is, it must end. */
const mostCrashes = 8;

/** Says that what has gone out is void. */
function announce<R>(out: Pick<Subscriber<R>, 'next' | 'error'>, { afterValues }: RetryRules<R>, restart: Restart): void {
  try {
    if (afterValues) out.next(afterValues(restart));
  } catch (thrown) {
    out.error(thrown);
  }
}

/** Counts attempts, and decides on the next. */
class Loop {
  readonly #scope: CallScope;
  readonly #rules: RetryRules<unknown>;
  readonly #by: RetriedBy;
  #attempt = 0; // that ran and count, the present one included
  #waitedOut = 0; // in a row
  #crashes = 0;
  #goOn: (() => void) | undefined;

  constructor(scope: CallScope, rules: RetryRules<unknown>, by: RetriedBy) {
    this.#scope = scope;
    this.#rules = rules;
    this.#by = by;
  }

  begin(): number {
    this.#attempt += 1;
    if (this.#by === 'operator') this.#scope.tries.count += 1; // else `waitAfter` counts, when it is known whose attempt it was
    return this.#attempt;
  }

  /** The wait before the next attempt; undefined when there is none. */
  waitAfter(error: unknown): number | undefined {
    const { clock, tries, deadlineMs } = this.#scope;
    if (isAbortError(error) || (this.#by === 'default' && tries.hasOperator)) return undefined;
    const grade = classify(error);
    if (!this.#rules.retryIf(error, grade)) return undefined;
    const isTaken = this.#scope.takesOver(error);
    if (isTaken && isBreakerOpen(error)) return undefined; // whoever takes over is at hand, and the breaker knows when to ask again
    const isWaitedOut = !isTaken && (grade === 'overload' || this.#isForgiven(error));
    this.#waitedOut = isWaitedOut ? this.#waitedOut + 1 : 0;
    const nowMs = clock.nowMs();
    const failed = {
      grade,
      isWaitedOut,
      attempt: this.#attempt,
      waitedOut: this.#waitedOut,
      retryAfterMs: retryAfterOf(telling(error), nowMs, this.#rules.maxPauseMs) ?? 0,
      nowMs,
      deadlineMs,
    };
    const waitMs = waitBeforeRetry(this.#rules, { ...failed, random: (this.#rules.random ?? this.#scope.random)() });
    if (waitMs === undefined) return undefined;
    keepTry(tries.failed, { atMs: nowMs, code: codeOf(error) });
    this.#account(grade, isWaitedOut, nowMs + waitMs, isBreakerOpen(error) ? 'a circuit breaker is open' : asksForLess);
    return waitMs;
  }

  /** A call that went down with its model has shown nothing of itself, so often that chance cannot be the reason. */
  #isForgiven(error: unknown): boolean {
    const one = telling(error);
    if (!isStreamError(one) || one.code !== 'model_crashed') return false;
    this.#crashes += 1;
    return this.#crashes <= mostCrashes;
  }

  /** The wait is over: `go`, as soon as the budget has a retry. The result gives it up, where it waits. */
  whenAllowed(go: () => void): (() => void) | undefined {
    this.waited();
    const { clock, random } = this.#scope;
    const { budget } = this.#rules;
    if (!budget) {
      go();
      return undefined;
    }
    const state = { waits: true };
    const granted = (): void => {
      state.waits = false;
      this.waited();
      go();
    };
    const leave = budget.retry({ clock, random: this.#rules.random ?? random, granted });
    if (!state.waits) return undefined;
    this.#goOn = this.#scope.suspend('the retry budget is spent');
    return leave;
  }

  /** The wait is over: the record's time goes on. */
  waited(): void {
    this.#goOn?.();
    this.#goOn = undefined;
  }

  #account(grade: Grade, isWaitedOut: boolean, untilMs: number, reason: string): void {
    const { tries } = this.#scope;
    if (grade === 'overload') {
      this.#scope.hold(reason, untilMs);
      this.#goOn = this.#scope.suspend(reason);
    }
    if (isWaitedOut) {
      this.#attempt -= 1;
      if (this.#by === 'operator') tries.count -= 1;
      return;
    }
    if (this.#by === 'default') tries.count += 1;
    // what runs goes on, and nothing is added to it: the least that gives memory back
    if (grade === 'resource') this.#scope.hold('a resource that calls need is used up', untilMs);
  }
}

const isBreakerOpen = (error: unknown): error is StreamError => isStreamError(error) && error.code === 'breaker_open';

function codeOf(error: unknown): string {
  if (isBreakerOpen(error) && error.cause !== undefined) return codeOf(error.cause); // what failed tells more than that it was known to
  if (isStreamError(error)) return error.code;
  if (typeof error !== 'object' || error === null) return typeof error;
  if ('code' in error && typeof error.code === 'string') return error.code.slice(0, 60);
  if ('status' in error && typeof error.status === 'number') return `status ${String(error.status)}`;
  return 'name' in error && typeof error.name === 'string' ? error.name.slice(0, 60) : 'Error';
}
