import type { OperatorFunction } from 'rxjs';
import { requireFunction } from '../src/check-options.ts';
import { type Envelope, type RoutedEnvelope, take } from '../src/record/envelope.ts';
import { fail, threw } from './internal/fail.ts';
import { operate } from './internal/operate.ts';

/**
 * Chooses the output of each value by name, for a pipeline whose `output` is a set of topics under names.
 *
 * In envelopes of `T`; out the same values, as many and in the same order. Holds nothing.
 * Complete, error, unsubscribe: passed on at once.
 *
 * The names that `fn` can return stand in the type of the result as long as nothing follows `routeBy`: an operator after
 * it keeps the route but not its type, so put it last. A name that the pipeline does not know, or none, does not compile;
 * where types were cast away it fails the record with `unknown_route` when it is written. Whether a value is one that the
 * codec of its topic takes is known when it is written, too: the type says that it is a value of one of the outputs.
 *
 * A throw in `fn`, or a result that is no string, fails that record with `project_threw`; the stream goes on.
 */
export function routeBy<T, K, const N extends string>(
  fn: (value: T, envelope: Envelope<T, K>) => N,
): OperatorFunction<Envelope<T, K>, RoutedEnvelope<T, K, N>> {
  requireFunction('routeBy', fn, '(value, envelope) => name');
  return operate((out) => ({
    next: (envelope) => {
      let route: N;
      try {
        route = fn(envelope.value, envelope);
        if (typeof route !== 'string') throw new TypeError(`a route must be the name of an output, got ${typeof route}`);
      } catch (error) {
        fail(envelope, take(envelope), threw('routeBy', error));
        return;
      }
      out.next(envelope.with(envelope.value, { route }));
    },
  }));
}
