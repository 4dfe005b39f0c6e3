import { type RunHelpers, TestScheduler } from 'rxjs/testing';
import { expect } from 'vitest';
import type { Clock } from '../../src/clock.ts';
import { type TestRun, testRun } from '../../src/testing.ts';

export interface MarbleHelpers extends RunHelpers {
  /** The diagram's own time: one frame is 1 ms. */
  readonly clock: Clock;
  readonly run: TestRun<Clock>;
}

/** Runs `body` in virtual time and compares every diagram when it returns. */
export function marbles(body: (helpers: MarbleHelpers) => void): void {
  const scheduler = new TestScheduler((actual, expected) => {
    expect(actual).toEqual(expected);
  });
  scheduler.run((helpers) => {
    const clock: Clock = {
      nowMs: () => scheduler.now(),
      schedule: (delayMs, callback) => {
        const timer = scheduler.schedule(callback, delayMs);
        return () => {
          timer.unsubscribe();
        };
      },
    };
    body({ ...helpers, clock, run: testRun({ clock }) });
  });
}
