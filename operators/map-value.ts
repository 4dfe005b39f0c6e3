import type { OperatorFunction } from 'rxjs';
import { requireFunction } from '../src/check-options.ts';
import { type Envelope, take } from '../src/record/envelope.ts';
import { fail, threw } from './internal/fail.ts';
import { operate } from './internal/operate.ts';
import { refusePromise } from './internal/refuse-promise.ts';

/**
 * Replaces each value by `fn(value)`, at once; key, headers and position stay. For what takes time use `mapConcurrent`.
 *
 * In envelopes of `T`; out envelopes of `R`, as many and in the same order. Holds nothing.
 * Complete, error, unsubscribe: passed on at once.
 *
 * A throw in `fn`, or a promise as its result, fails that record with `project_threw`; the stream goes on.
 * @throws RecordError `lineage_reused`, as an error of the stream, when an envelope was used before.
 */
export function mapValue<T, R, K>(fn: (value: T, envelope: Envelope<T, K>) => R): OperatorFunction<Envelope<T, K>, Envelope<R, K>> {
  requireFunction('mapValue', fn, '(value, envelope) => value');
  return operate((out) => ({
    next: (envelope) => {
      let value: R;
      try {
        value = fn(envelope.value, envelope);
        if (value instanceof Promise) refusePromise('mapValue', value);
      } catch (error) {
        fail(envelope, take(envelope), threw('mapValue', error));
        return;
      }
      out.next(envelope.with(value));
    },
  }));
}
