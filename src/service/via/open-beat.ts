import type { CancelTimer, Clock } from '../../clock.ts';

const everyMs = 5_000;

/** Does it now, and every 5 s until the result is called. */
export function openBeat(clock: Clock, beat: () => void): () => void {
  let cancel: CancelTimer = () => undefined;
  const again = (): void => {
    cancel = clock.schedule(everyMs, again);
    beat();
  };
  again();
  return () => cancel();
}
