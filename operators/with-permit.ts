import { type MonoTypeOperatorFunction, Observable } from 'rxjs';
import { currentScope, inScope } from '../src/call.ts';
import { requireMethods } from '../src/check-options.ts';
import type { Permits } from '../src/policies/permits.ts';
import { follow } from './internal/follow.ts';

/**
 * Lets a call run only while it holds one of `permits` (or of an `adaptiveLimit`); the others wait, first come first served. `concurrency` of
 * `mapConcurrent` bounds the records of one operator, permits bound the calls of all that share them.
 *
 * On one cold call; values pass as they come. Holds the call until a permit is free; meanwhile the record's time stands still. The permit is freed exactly once:
 * on complete, error, or unsubscribe, after the work was aborted and before downstream hears of it. Unsubscribing while
 * it waits gives up its place. Limits that learn are told how the call ended: completed, failed and by what, or aborted.
 * @throws OptionError at call time, for what are no permits.
 * @see tower's `ConcurrencyLimit`, whose test is our rule: letting go of the call frees the permit.
 */
export function withPermit<T>(permits: Permits): MonoTypeOperatorFunction<T> {
  requireMethods('withPermit', permits, ['acquire'], 'given permits(n) or adaptiveLimit({ … })');
  return (source) =>
    new Observable<T>((out) => {
      const scope = currentScope();
      const turn = { granted: false };
      let resume: (() => void) | undefined;
      scope.meter?.sent(false); // budgets around it get all back, should it leave before its permit comes
      const leave = permits.acquire((release) => {
        turn.granted = true;
        resume?.();
        scope.meter?.sent(true);
        // the permit may come in the middle of another call that ends, in its scope
        inScope(scope, () => follow(source, out, { release }));
      }, scope.clock);
      if (!turn.granted && !out.closed) resume = scope.suspend('all permits are taken'); // the record's time is not spent on our waiting
      out.add(() => {
        resume?.();
        if (!turn.granted) leave(); // from the start on the permit is freed after the call's end, not before
      });
    });
}
