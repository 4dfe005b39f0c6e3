import type { OperatorFunction } from 'rxjs';
import { requireFunction } from '../src/check-options.ts';
import { requireText } from '../src/errors.ts';
import { type Envelope, take } from '../src/record/envelope.ts';
import { fail, threw } from './internal/fail.ts';
import { operate } from './internal/operate.ts';
import { refusePromise } from './internal/refuse-promise.ts';

/**
 * Lets those values pass for which `predicate` is true, and settles the others as dropped. It stands for RxJS's `filter`,
 * which would lose them: a lost record fails.
 *
 * In envelopes of `T`; out the same envelopes without the dropped ones, in order. Holds nothing.
 * Complete, error, unsubscribe: passed on at once.
 *
 * @param reason counted with the dropped records: a few words, the same for all. Where reasons differ, use `drop`.
 *
 * A throw in `predicate`, or a promise as its result, fails that record with `project_threw`; the stream goes on.
 * @throws OptionError at call time, for an empty reason.
 */
export function keepOnly<T, S extends T, K>(
  predicate: (value: T, envelope: Envelope<T, K>) => value is S,
  reason?: string,
): OperatorFunction<Envelope<T, K>, Envelope<S, K>>;
export function keepOnly<T, K>(
  predicate: (value: T, envelope: Envelope<T, K>) => boolean,
  reason?: string,
): OperatorFunction<Envelope<T, K>, Envelope<T, K>>;
export function keepOnly<T, K>(
  predicate: (value: T, envelope: Envelope<T, K>) => boolean,
  reason = 'not kept',
): OperatorFunction<Envelope<T, K>, Envelope<T, K>> {
  requireFunction('keepOnly', predicate, '(value, envelope) => boolean');
  requireText('keepOnly.reason', reason);
  return operate((out) => ({
    next: (envelope) => {
      let keep: boolean;
      try {
        keep = predicate(envelope.value, envelope);
        // always truthy, so it would keep everything in silence
        if ((keep as unknown) instanceof Promise) refusePromise('keepOnly', keep as unknown as Promise<unknown>);
      } catch (error) {
        fail(envelope, take(envelope), threw('keepOnly', error));
        return;
      }
      if (keep) out.next(envelope);
      else take(envelope).part.settle('dropped', reason);
    },
  }));
}
