import { type Observable, type Subscriber, Subscription } from 'rxjs';
import type { CallOutcome } from '../../src/policies/call-outcome.ts';
import { whileWanted } from './operate.ts';

export interface Follower<T> {
  readonly onValue?: (value: T) => void;
  /** Runs once: after the call has ended or was aborted, and before anybody hears of the end. */
  readonly release: (outcome: CallOutcome) => void;
}

/**
 * Subscribes to a call on behalf of `out`. The order at the end is what a bare `subscribe(out)` gets wrong: it tells
 * downstream first and lets go afterwards, so a retry would find the permit still taken. The result aborts the call.
 */
export function follow<T>(source: Observable<T>, out: Subscriber<T>, { onValue, release }: Follower<T>): () => void {
  const subscription = new Subscription();
  let finished = false;
  const finish = (outcome: CallOutcome): void => {
    if (finished) return;
    finished = true;
    subscription.unsubscribe();
    release(outcome);
  };
  const abort = (): void => {
    finish({ end: 'aborted' });
  };
  const fail = (error: unknown): void => {
    finish({ end: 'failed', error });
    out.error(error);
  };
  out.add(abort);
  const inner = whileWanted(source, out).subscribe({
    next: (value) => {
      try {
        onValue?.(value);
      } catch (error) {
        fail(error);
        return;
      }
      out.next(value);
    },
    error: fail,
    complete: () => {
      finish({ end: 'completed' });
      out.complete();
    },
  });
  subscription.add(inner); // at once, if it was finished meanwhile
  return abort;
}
