import type { Observable, Subscriber } from 'rxjs';
import { type CallScope, inScope, scopeWith } from '../../src/call.ts';
import type { FlightListener } from '../../src/policies/internal/flights.ts';
import { whileWanted } from './operate.ts';

/** One that waits for a call that others may wait for, too: what comes of it belongs to its own record. */
export function listenerOf<T>(out: Subscriber<T>, scope: CallScope): FlightListener {
  return {
    next: (value) => {
      inScope(scope, () => {
        out.next(value as T);
      });
    },
    error: (error) => {
      inScope(scope, () => {
        out.error(error);
      });
    },
    complete: () => {
      inScope(scope, () => {
        out.complete();
      });
    },
    suspend: (reason) => scope.suspend(reason),
    degrade: (step) => scope.degrade(step),
  };
}

/**
 * Makes the call for all that wait, in the scope of the one whose it is. They are told of values and errors; `done`, with all the values and whether a
 * fallback has stood in, tells them of the end. The result aborts it.
 */
export function runShared<T>(
  source: Observable<T>,
  scope: CallScope,
  all: FlightListener,
  done: (values: readonly T[], isDegraded: boolean) => void,
): () => void {
  const values: T[] = [];
  const state = { closed: false, isDegraded: false };
  const degrade = (step: string): (() => void) => {
    state.isDegraded = true;
    return all.degrade(step);
  };
  const suspend = (reason: string): (() => void) => all.suspend(reason);
  const subscription = inScope(scopeWith(scope, { degrade, suspend }), () =>
    whileWanted(source, state).subscribe({
      next: (value) => {
        values.push(value);
        all.next(value);
      },
      error: (error: unknown) => {
        all.error(error);
      },
      complete: () => {
        if (state.closed) return; // it was aborted
        done(values, state.isDegraded);
      },
    }),
  );
  return () => {
    state.closed = true;
    subscription.unsubscribe();
  };
}
