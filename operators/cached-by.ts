import { type MonoTypeOperatorFunction, Observable } from 'rxjs';
import { currentScope } from '../src/call.ts';
import { requireFunction, requireMethods } from '../src/check-options.ts';
import { OptionError } from '../src/errors.ts';
import type { CallCache } from '../src/policies/call-cache.ts';
import type { Begin } from '../src/policies/internal/flights.ts';
import { listenerOf, runShared } from './internal/shared-call.ts';

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
      const begin: Begin = (all) =>
        runShared(source, scope, all, (values, isDegraded) => {
          if (!isDegraded) keep(values);
          all.complete();
        });
      out.add(cache.join(name, begin, listenerOf(out, scope)));
    });
}
