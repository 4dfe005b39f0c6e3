import { type MonoTypeOperatorFunction, Observable } from 'rxjs';
import { currentScope } from '../src/call.ts';
import { type OptionNames, requireOptions } from '../src/check-options.ts';
import { requireNumber, TimeoutError } from '../src/errors.ts';
import { formatPosition } from '../src/record/record.ts';
import { follow } from './internal/follow.ts';

export interface CallTimeoutOptions {
  /** Longest time from the start of one attempt to its end, in ms; more than 0. */
  readonly ms: number;
}

const names: OptionNames<CallTimeoutOptions> = { ms: true };

/**
 * Ends one attempt of a call that takes too long, and aborts its work. Put it innermost, so that it measures the call
 * alone and not the wait for a permit or a budget; under `retryWithBackoff` each attempt has its own time.
 *
 * On one cold call; values pass as they come. Holds one timer. Complete, error, unsubscribe: passed on, timer stopped.
 * Fails with TimeoutError (`call_timeout`, worth another attempt) after the work was unsubscribed.
 * @throws OptionError at call time, for an option outside its range.
 * @see `deadlineMs` of a pipeline for the record's whole time.
 */
export function callTimeout<T>(options: CallTimeoutOptions): MonoTypeOperatorFunction<T> {
  requireOptions('callTimeout', options, names);
  const { ms } = options;
  requireNumber('callTimeout.ms', ms, Number.MIN_VALUE);
  return (source) =>
    new Observable<T>((out) => {
      const { clock, position } = currentScope();
      const cancel = clock.schedule(ms, () => {
        abort();
        out.error(
          new TimeoutError(
            `the call took longer than ${String(ms)} ms and was aborted: raise callTimeout's ms, or ask for less`,
            position ? { position: formatPosition(position) } : {},
          ),
        );
      });
      const abort = follow(source, out, { release: cancel });
    });
}
