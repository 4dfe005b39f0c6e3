import type { MonoTypeOperatorFunction } from 'rxjs';
import { requireFunction } from '../src/check-options.ts';
import { type Envelope, take } from '../src/record/envelope.ts';
import { fail, threw } from './internal/fail.ts';
import { operate } from './internal/operate.ts';

/** The reason to drop a value; anything falsy keeps it, so that `spam && 'spam'` reads as it works. */
export type DropReason = string | false | null | undefined;

/**
 * Settles those values as dropped for which `reasonOf` gives a reason, and lets the others pass. Where one question with
 * one reason decides, `keepOnly` says it shorter.
 *
 * In envelopes of `T`; out the same envelopes without the dropped ones, in order. Holds nothing.
 * Complete, error, unsubscribe: passed on at once.
 *
 * @param reasonOf each reason becomes a counter: a few fixed ones, never a part of the value.
 *
 * A throw in `reasonOf`, or a result that is no reason (a promise, `true`), fails that record with `project_threw`; the
 * stream goes on.
 */
export function drop<T, K>(reasonOf: (value: T, envelope: Envelope<T, K>) => DropReason): MonoTypeOperatorFunction<Envelope<T, K>> {
  requireFunction('drop', reasonOf, '(value, envelope) => reason');
  return operate((out) => ({
    next: (envelope) => {
      let reason: DropReason;
      try {
        reason = reasonOf(envelope.value, envelope);
        if (reason && typeof reason !== 'string')
          throw new TypeError(`a reason must be a string, or falsy to keep the value, got ${typeof reason}`);
      } catch (error) {
        fail(envelope, take(envelope), threw('drop', error));
        return;
      }
      if (reason) take(envelope).part.settle('dropped', reason);
      else out.next(envelope);
    },
  }));
}
