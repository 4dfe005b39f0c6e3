import { type Observable, type Subscriber, Subscription } from 'rxjs';
import { currentScope } from '../../src/call.ts';
import type { CallOutcome } from '../../src/policies/call-outcome.ts';
import { whileWanted } from './operate.ts';

export interface Follower<T> {
  readonly onValue?: (value: T) => void;
  /** Runs once: after the call has ended or was aborted, and before anybody hears of the end. */
  readonly release: (outcome: CallOutcome) => void;
}

/**
 * Subscribes to a call on behalf of `out`. The order at the end is what a bare `subscribe(out)` gets wrong: it tells
 * downstream first and lets go afterwards, so a retry would find the permit still taken. The result aborts the call. What does not
 * wait for another policy at once has been called: a drain waits for it.
 */
export function follow<T>(source: Observable<T>, out: Subscriber<T>, { onValue, release }: Follower<T>): () => void {
  const subscription = new Subscription();
  const { tries } = currentScope();
  const waitsBefore = tries.waits;
  const state = { passed: false, finished: false };
  const finish = (outcome: CallOutcome): void => {
    if (state.finished) return;
    state.finished = true;
    subscription.unsubscribe();
    if (state.passed && outcome.end !== 'completed') tries.passed -= 1; // it may be made again
    release(outcome);
  };
  const abort = (): void => {
    finish({ end: 'aborted' });
  };
  const fail = (error: unknown): void => {
    finish({ end: 'failed', error });
    out.error(error);
  };
  const pass = (): void => {
    if (state.passed || tries.waits !== waitsBefore) return;
    state.passed = true;
    tries.passed += 1;
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
      pass();
      finish({ end: 'completed' });
      out.complete();
    },
  });

  if (!state.finished) pass();
  subscription.add(inner); // at once, if it was finished meanwhile
  return abort;
}
