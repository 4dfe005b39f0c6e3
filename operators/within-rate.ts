import { type MonoTypeOperatorFunction, Observable } from 'rxjs';
import { currentScope, inScope } from '../src/call.ts';
import { requireMethods } from '../src/check-options.ts';
import type { RateLimit } from '../src/policies/rate-limit.ts';
import { follow } from './internal/follow.ts';
import { PolicyWait } from './internal/policy-wait.ts';

/**
 * Lets an attempt start when the rate allows, and waits, in turn, until it does. For services that refuse what comes too fast; for
 * windows that are counted, and for tokens, use `withinBudget`.
 *
 * On one cold call; values pass as they come. Holds the call while it waits, and asks the source to hold back too. Complete and
 * error pass: a start is spent however the call ends. Unsubscribing while it waits gives up its place, and spends nothing.
 * @throws OptionError at call time, for what is no rate limit.
 * @see tower's `RateLimit`, which counts in windows and so lets twice the rate pass at their boundary.
 */
export function withinRate<T>(rate: RateLimit): MonoTypeOperatorFunction<T> {
  requireMethods('withinRate', rate, ['acquire'], 'given a rateLimit({ … })');
  return (source) =>
    new Observable<T>((out) => {
      const scope = currentScope();
      const turn = { granted: false };
      const wait = new PolicyWait(scope, 'the rate limit is reached');
      scope.meter?.sent(false);
      const granted = (): void => {
        turn.granted = true;
        wait.end();
        scope.meter?.sent(true);
        // the turn may come in the middle of another call that ends, in its scope
        inScope(scope, () => follow(source, out, { release: () => undefined }));
      };
      const leave = rate.acquire({ clock: scope.clock, hold: wait.hold, granted });
      if (!turn.granted && !out.closed) wait.begin();
      out.add(() => {
        leave();
        wait.end();
      });
    });
}
