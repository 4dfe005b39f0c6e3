import { type MonoTypeOperatorFunction, Observable } from 'rxjs';
import { type CallScope, currentScope } from '../src/call.ts';
import { requireMethods, requireOptions } from '../src/check-options.ts';
import { OptionError } from '../src/errors.ts';
import type { Journal } from '../src/journal/journal-port.ts';
import type { FlightListener } from '../src/policies/internal/flights.ts';
import { listenerOf, runShared } from './internal/shared-call.ts';

export interface JournaledOptions {
  /**
   * All that the result depends on, as anything that JSON can hold, or what makes it: the content, what is asked about it, the model, a version of your code. Asked once per
   * subscription; a throw fails the call.
   */
  readonly key: unknown;
}

/**
 * Answers a call from `journal` where it was finished before, also by an earlier process; else makes it, and emits its values when they are on the disk. So nothing that a
 * result has led to can be there without the result, and what is finished is never paid for again.
 *
 * On one cold call; its values are emitted together, after it has completed and was synced. Those that ask for a key at the same time share one call. Only a call that
 * completes is written, as the list of its values; one that failed, was aborted, or that `fallbackTo` stood in for is not (the stand-in's values are emitted). Holds the values of the
 * call that runs. Complete and error: as the call ends. Unsubscribe: leaves the call to the others, and aborts it when nobody is left; what it has finished by then is written all
 * the same.
 * @throws OptionError at call time, for what is no journal or key; JournalError where the disk fails, which stops the pipeline; CodecError `encode_failed` for values that
 * JSON does not give back as they were.
 * @see {@link cachedBy}, which is faster and forgets.
 */
export function journaled<T>(journal: Journal, options: JournaledOptions): MonoTypeOperatorFunction<T> {
  requireMethods('journaled', journal, ['get', 'append', 'join'], "given a pipeline's journal({ … })");
  requireOptions('journaled', options, { key: true });
  if (options.key === undefined) throw new OptionError('journaled.key must be what the result depends on, got undefined');
  return (source) =>
    new Observable<T>((out) => {
      const scope = currentScope();
      const key: unknown = typeof options.key === 'function' ? (options.key as () => unknown)() : options.key;
      if (key === undefined) throw new OptionError('journaled.key must give what the result depends on, got undefined');
      out.add(journal.join(key, (all) => lookThenCall(journal, key, source, scope, all), listenerOf(out, scope)));
    });
}

function lookThenCall<T>(journal: Journal, key: unknown, source: Observable<T>, scope: CallScope, all: FlightListener): () => void {
  const state = { isLeft: false, abort: (): void => undefined };
  const whileHere =
    <A>(step: (given: A) => void) =>
    (given: A): void => {
      if (!state.isLeft) step(given); // else another call may run for the key by now
    };
  const emit = whileHere((values: readonly unknown[]) => {
    for (const value of values) all.next(value);
    all.complete();
  });
  const fail = whileHere((error: unknown) => {
    all.error(error);
  });
  const quiet = { ...all, next: () => undefined }; // what is not written yet is seen by nobody
  const make = (): void => {
    state.abort = runShared(source, scope, quiet, (values, isDegraded) => {
      if (isDegraded) emit(values);
      else
        journal.append(key, values).then(() => {
          emit(values);
        }, fail);
    });
  };
  journal.get(key).then(
    whileHere((entry) => {
      if (entry) emit(listOf(entry.value));
      else make();
    }),
    fail,
  );
  return () => {
    state.isLeft = true;
    state.abort();
  };
}

/** What a program has written under the key by itself is one value. */
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [value]);
