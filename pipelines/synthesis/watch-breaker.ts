import { type CircuitBreaker, type Clock, InferenceError } from 'millrace';

const tickMs = 500;

/** Tells once, when the breaker of a model has not been closed for `patienceMs`: nobody waits for it without end. The result ends the watch. */
export function watchBreaker(breaker: CircuitBreaker, patienceMs: number, clock: Clock, onAway: (error: Error) => void): () => void {
  let cancel = (): void => undefined;
  let wellMs = clock.nowMs();
  const look = (): void => {
    const nowMs = clock.nowMs();
    if (breaker.phase(nowMs) === 'closed') wellMs = nowMs;
    if (nowMs - wellMs <= patienceMs) {
      cancel = clock.schedule(tickMs, look);
      return;
    }
    const seconds = String(Math.round(patienceMs / 1000));
    onAway(
      new InferenceError(
        'model_unavailable',
        `the model has not answered for ${seconds} s: start it, and go on with --resume; what is finished is kept`,
      ),
    );
  };
  cancel = clock.schedule(tickMs, look);
  return () => {
    cancel();
  };
}
