import { type MonoTypeOperatorFunction, Observable, Subscription } from 'rxjs';
import { currentScope, inScope } from '../src/call.ts';
import { requireMethods } from '../src/check-options.ts';
import type { BreakerOpenError } from '../src/errors.ts';
import type { CircuitBreaker } from '../src/policies/circuit-breaker.ts';
import type { BreakerRun } from '../src/policies/internal/breaker-queue.ts';
import { whileWanted } from './internal/operate.ts';

const reason = 'a circuit breaker is open';

/**
 * Keeps calls from a service that fails. While `breaker` is open a call goes to `fallbackTo` at once, if there is one further out
 * that takes it; else it waits: the source is held, partitions pause, and the record's time stands still, so no record fails for it.
 * Those that have waited begin one after the other, spread over `recoveryMs`.
 *
 * A call that fails while the breaker is open, or opens it, fails with `breaker_open` (grade `overload`, the error as its cause) where a retry further out waits
 * for it: that is no attempt, or an outage would use up the attempts of whichever record probes. Without one it fails with its own error.
 *
 * On one cold call; values pass as they come. Holds the call while it waits. Complete: counts as a success, and is passed on. Error: counts by
 * the breaker's `isFailure`. Unsubscribe: aborts the call, or gives up its place; it counts as neither.
 * @throws OptionError at call time, for what is no breaker.
 * @see {@link circuitBreaker} for when it opens and closes.
 */
export function withBreaker<T>(breaker: CircuitBreaker): MonoTypeOperatorFunction<T> {
  requireMethods('withBreaker', breaker, ['enter'], 'given a circuitBreaker({ … })');
  return (source) =>
    new Observable<T>((out) => {
      const scope = currentScope();
      let goOn: (() => void) | undefined;
      const endWait = (): void => {
        goOn?.();
        goOn = undefined;
      };
      const isAwaited = (open: BreakerOpenError): boolean => scope.waitsOut || scope.takesOver(open);
      const granted = (run: BreakerRun): void => {
        endWait();
        // it may come in the middle of another call that ends, in its scope
        inScope(scope, () => {
          const running = new Subscription();
          out.add(() => {
            running.unsubscribe();
            run.left();
          });
          running.add(
            whileWanted(source, out).subscribe({
              next: (value) => {
                out.next(value);
              },
              error: (error: unknown) => {
                running.unsubscribe(); // first: what it held must be free for the next
                const open = run.failed(error);
                out.error(open && isAwaited(open) ? open : error);
              },
              complete: () => {
                if (!out.closed) run.succeeded(); // else it was left
                out.complete();
              },
            }),
          );
        });
      };
      const waits = (open: BreakerOpenError, untilMs: number): boolean => {
        if (scope.takesOver(open)) {
          out.error(open);
          return false;
        }
        scope.hold(reason, untilMs);
        goOn ??= scope.suspend(reason);
        return true;
      };
      const { clock, random } = scope;
      out.add(endWait);
      out.add(breaker.enter({ clock, random, granted, waits }));
    });
}
