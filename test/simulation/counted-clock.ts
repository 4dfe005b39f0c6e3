import type { Clock } from '../../src/clock.ts';

/** A clock that knows how many of its timers are set. */
export interface CountedClock extends Clock {
  readonly timers: number;
}

export function countedClock(clock: Clock): CountedClock {
  const live = new Set<object>();
  return {
    nowMs: () => clock.nowMs(),
    schedule: (delayMs, callback) => {
      const timer = {};
      live.add(timer);
      const cancel = clock.schedule(delayMs, () => {
        live.delete(timer);
        callback();
      });
      return () => {
        live.delete(timer);
        cancel();
      };
    },
    get timers() {
      return live.size;
    },
  };
}
