import { requireNumber } from './errors.ts';
import type { CancelTimer, Clock } from './clock.ts';

/** A clock that stands still until it is told to go. */
export interface VirtualClock extends Clock {
  /**
   * Runs what is due within the next `ms`, in order of time and, at the same time, of scheduling, and stands at the end
   * of it. Promises settle before the first timer and after each one, so what a timer sets off may schedule more.
   */
  advance(ms: number): Promise<void>;
  /**
   * Runs until no timer is left. It is meant for programs that end; one that polls for ever is stopped by an error
   * after 100,000 timers.
   */
  runUntilIdle(): Promise<void>;
}

interface Timer {
  readonly dueMs: number;
  readonly callback: () => void;
}

// Far above what a test needs, low enough that an endless loop fails in a second rather than hanging the run.
const mostTimersWithoutEnd = 100_000;

// Taken once: a test that replaces the global timers must not stop the virtual clock with them.
// eslint-disable-next-line no-restricted-properties -- it is no time that passes here, only the end of a task
const { setImmediate: macrotask } = globalThis;

// A macrotask, because a fixed number of microtasks is never enough for the next longer chain of promises.
const settle = (): Promise<void> =>
  new Promise((resolve) => {
    macrotask(resolve);
  });

/**
 * A clock for tests, whose time passes only in `advance` and `runUntilIdle`. Only one of them may run at a time. What a
 * timer throws rejects the call that ran it.
 */
export function virtualClock(startMs = 0): VirtualClock {
  requireNumber('startMs', startMs, 0);
  const timers: Timer[] = []; // by dueMs, and among equals by age
  let nowMs = startMs;
  let running = false;

  const schedule = (delayMs: number, callback: () => void): CancelTimer => {
    const timer: Timer = { dueMs: nowMs + Math.max(0, delayMs), callback };
    let low = 0;
    let high = timers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((timers[middle]?.dueMs ?? Infinity) <= timer.dueMs) low = middle + 1;
      else high = middle;
    }
    timers.splice(low, 0, timer);
    return () => {
      const at = timers.indexOf(timer);
      if (at >= 0) timers.splice(at, 1);
    };
  };

  const runUntil = async (endMs: number, countsAnewWhenTimePasses: boolean): Promise<void> => {
    if (running) throw new Error('the virtual clock is already running: await the call before');
    running = true;
    try {
      await settle();
      let ran = 0;
      let next = timers[0];
      while (next !== undefined && next.dueMs <= endMs) {
        timers.shift();
        ran = countsAnewWhenTimePasses && next.dueMs > nowMs ? 0 : ran + 1;
        if (ran > mostTimersWithoutEnd)
          throw new Error(
            `${String(mostTimersWithoutEnd)} timers ran and more are scheduled: something polls without end at ${String(nowMs)} ms`,
          );
        nowMs = next.dueMs;
        next.callback();
        await settle();
        next = timers[0];
      }
      if (Number.isFinite(endMs)) nowMs = endMs;
    } finally {
      running = false;
    }
  };

  return {
    nowMs: () => nowMs,
    schedule,
    advance: async (ms) => {
      requireNumber('ms', ms, 0);
      await runUntil(nowMs + ms, true);
    },
    runUntilIdle: () => runUntil(Infinity, false),
  };
}
