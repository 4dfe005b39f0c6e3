import { type MonoTypeOperatorFunction, Observable } from 'rxjs';
import { type CallScope, currentScope, inScope, scopeWith } from '../src/call.ts';
import { requireFunction, requireMethods } from '../src/check-options.ts';
import { OptionError } from '../src/errors.ts';
import type { CallCache } from '../src/policies/call-cache.ts';
import type { Begin } from '../src/policies/internal/flights.ts';
import { whileWanted } from './internal/operate.ts';

/**
 * Answers a call from `cache` where one with the same key has completed, and makes it once for all that ask at the same time. `callKey` makes the
 * key of model, prompt, parameters and schema; what else changes the answer belongs in it, too (a tenant whose answers others must not see).
 *
 * On one cold call; values pass as they come, those of a hit at once. Only a call that completes is kept, with all its values; one that failed, that was aborted, or
 * that `fallbackTo` stood in for is not. Those that wait share the first one's call, its retries and its end, and run no further attempt; it is aborted when the
 * last of them leaves, not when the first does. Values are handed to several: do not change them. Holds the values of the call that runs.
 * Complete and error: passed on to all that wait. Unsubscribe: leaves the call to the others.
 *
 * The call's scope (headers, attempt) is that of whoever asked first; while it waits for a policy the time of all stands still. If its record is gone, and its call with it, the
 * next one makes its own.
 * @param key of the call, or what makes it; asked once per subscription. A throw fails the call.
 * @throws OptionError at call time, for what is no cache or key.
 * @see {@link callCache}; "single flight" in groupcache.
 */
export function cachedBy<T>(cache: CallCache, key: string | (() => string)): MonoTypeOperatorFunction<T> {
  requireMethods('cachedBy', cache, ['get', 'set', 'join'], 'given a callCache({ … })');
  if (typeof key !== 'string') requireFunction('cachedBy.key', key, '() => string');
  return (source) =>
    new Observable<T>((out) => {
      const scope = currentScope();
      const name = typeof key === 'string' ? key : key();
      if (typeof name !== 'string') throw new OptionError(`cachedBy.key must give a string, got ${typeof name}`);
      const { clock } = scope;
      const kept = cache.get(name, clock.nowMs());
      if (kept) {
        for (const value of kept) if (!out.closed) out.next(value as T);
        out.complete();
        return;
      }
      const keep = (values: readonly T[]): void => {
        cache.set(name, values, clock.nowMs());
      };
      const inOwn = (tell: () => void): void => {
        inScope(scope, tell); // what comes of it belongs to the record that waits
      };
      const leave = cache.join(name, callFor(source, scope, keep), {
        next: (value) => {
          inOwn(() => {
            out.next(value as T);
          });
        },
        error: (error) => {
          inOwn(() => {
            out.error(error);
          });
        },
        complete: () => {
          inOwn(() => {
            out.complete();
          });
        },
        suspend: (reason) => scope.suspend(reason),
        degrade: (step) => scope.degrade(step),
      });
      out.add(leave);
    });
}

/** The call for all that wait, in the scope of the one whose it is; `keep` is told of the values that may be kept. */
function callFor<T>(source: Observable<T>, scope: CallScope, keep: (values: readonly T[]) => void): Begin {
  return (all) => {
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
          if (!state.isDegraded) keep(values);
          all.complete();
        },
      }),
    );
    return () => {
      state.closed = true;
      subscription.unsubscribe();
    };
  };
}
