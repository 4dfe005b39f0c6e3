import { expect, it } from 'vitest';
import { afterCrash, neverCrashed } from '../../../src/inference/internal/respawn.state.ts';

/** A negative time: the process had done something before. */
const crashesAt = (...times: readonly number[]): { delayMs: number; resting: boolean }[] => {
  let state = neverCrashed;
  return times.map((nowMs) => {
    const decision = afterCrash(state, Math.abs(nowMs), nowMs < 0);
    state = decision.state;
    return { delayMs: decision.delayMs, resting: decision.resting };
  });
};

it('waits twice as long after each crash, three seconds at most, and rests after the sixth in a minute', () => {
  expect(crashesAt(0, 1_000, 2_000, 3_000, 4_000, 5_000)).toEqual([
    { delayMs: 100, resting: false },
    { delayMs: 200, resting: false },
    { delayMs: 400, resting: false },
    { delayMs: 800, resting: false },
    { delayMs: 1_600, resting: false },
    { delayMs: 30_000, resting: true },
  ]);
});

it('begins anew when the crashes are a minute old', () => {
  expect(crashesAt(0, 59_999).at(-1)?.delayMs).toBe(200);
  expect(crashesAt(0, 60_000).at(-1)?.delayMs).toBe(100);
  expect(crashesAt(0, 1, 2, 3, 4, 5, 30_005).at(-1)?.resting).toBe(true);
  expect(crashesAt(0, 1, 2, 3, 4, 5, 70_000).at(-1)).toEqual({ delayMs: 100, resting: false });
});

it('begins anew when something was done between, however often', () => {
  expect(crashesAt(0, 1, 2, 3, 4, -5, 6)).toEqual([100, 200, 400, 800, 1_600, 100, 200].map((delayMs) => ({ delayMs, resting: false })));
});
