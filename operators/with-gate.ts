import { type MonoTypeOperatorFunction, Observable } from 'rxjs';
import { currentScope, inScope } from '../src/call.ts';
import { requireMethods } from '../src/check-options.ts';
import type { Release } from '../src/policies/call-outcome.ts';
import type { EngineGate } from '../src/policies/engine-gate.ts';
import { follow } from './internal/follow.ts';
import { PolicyWait } from './internal/policy-wait.ts';

/**
 * Lets a call start when the engine says that it has room; until then it waits, in turn, with the source held and the record's time
 * standing still. Put it around `withPermit`, inside budget and retry.
 *
 * On one cold call; values pass as they come. Holds the call while it waits. Complete, error: passed on; the engine itself says when it has
 * room again. Unsubscribing while it waits gives up its place.
 * @throws OptionError at call time, for what is no gate.
 * @see {@link engineGate} for when it opens and closes.
 */
export function withGate<T>(gate: EngineGate): MonoTypeOperatorFunction<T> {
  requireMethods('withGate', gate, ['enter'], 'given an engineGate({ … })');
  return (source) =>
    new Observable<T>((out) => {
      const scope = currentScope();
      const turn: { granted: boolean; end?: Release } = { granted: false };
      const wait = new PolicyWait(scope, 'the engine has no room');
      scope.meter?.sent(false);
      turn.end = gate.enter({
        clock: scope.clock,
        random: () => scope.random(),
        hold: wait.hold,
        granted: () => {
          turn.granted = true;
          wait.end();
          scope.meter?.sent(true);
          // the turn may come in the middle of another call, in its scope
          inScope(scope, () => follow(source, out, { release: (outcome) => turn.end?.(outcome) }));
        },
      });
      if (!turn.granted && !out.closed) wait.begin();
      out.add(() => {
        turn.end?.();
        wait.end();
      });
    });
}
