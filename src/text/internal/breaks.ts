import { type Clock, sleep } from '../../clock.ts';

const mostMs = 50;

/** To be awaited within long work: gives the event loop its turn once in 50 ms, and costs nothing otherwise. */
export function breaks(clock: Clock): () => Promise<void> {
  let sinceMs = clock.nowMs();
  return async () => {
    if (clock.nowMs() - sinceMs < mostMs) return;
    await sleep(clock, 0);
    sinceMs = clock.nowMs();
  };
}
