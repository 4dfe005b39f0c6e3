import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FailedAttempt, waitBeforeRetry } from '../../src/policies/backoff.state.ts';

const backoff = { attempts: 4, initialMs: 250, maxMs: 30_000 };
const failed: FailedAttempt = {
  isWaitedOut: false,
  grade: 'transient',
  attempt: 1,
  waitedOut: 0,
  retryAfterMs: 0,
  random: 1,
  nowMs: 0,
  deadlineMs: Infinity,
};

describe('waitBeforeRetry', () => {
  it.each<[string, Partial<FailedAttempt>, number | undefined]>([
    ['begins with initialMs', {}, 250],
    ['doubles', { attempt: 3 }, 1000],
    ['draws from all of it', { attempt: 3, random: 0.1 }, 100],
    ['ends with the last attempt', { attempt: 4 }, undefined],
    ['counts overloads apart', { grade: 'overload', attempt: 4, waitedOut: 2 }, 500],
    ['adds to what was asked', { grade: 'overload', attempt: 1, waitedOut: 1, retryAfterMs: 700, random: 0.5 }, 825],
    ['never waits until the deadline', { deadlineMs: 250 }, undefined],
    ['waits up to before the deadline', { deadlineMs: 250.5 }, 250],
    ["waits out an overload, whose time is not the record's", { grade: 'overload', waitedOut: 1, deadlineMs: 250 }, 250],
    ['ends with a deadline that has passed', { grade: 'overload', waitedOut: 1, deadlineMs: 0 }, undefined],
    ['ends with the last attempt where overloads are attempts', { grade: 'overload', isWaitedOut: false, attempt: 4 }, undefined],
    ['does not overflow', { grade: 'overload', waitedOut: 5000 }, 30_000],
  ])('%s', (_rule, change, expected) => {
    expect(waitBeforeRetry(backoff, { ...failed, isWaitedOut: change.grade === 'overload', ...change })).toBe(expected);
  });

  it('waits from what was asked to maxMs more, and never beyond the deadline, overloads apart', () => {
    const attempt = fc.record({
      attempt: fc.nat(5),
      waitedOut: fc.nat(100),
      retryAfterMs: fc.nat(90_000),
      random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      nowMs: fc.nat(1e6),
      deadlineMs: fc.nat(2e6),
    });
    fc.assert(
      fc.property(attempt, fc.constantFrom('transient', 'overload'), (change, grade) => {
        const waitMs = waitBeforeRetry(backoff, { ...change, grade, isWaitedOut: grade === 'overload' });
        if (waitMs === undefined) return;
        expect(waitMs).toBeGreaterThanOrEqual(change.retryAfterMs);
        expect(waitMs).toBeLessThanOrEqual(change.retryAfterMs + backoff.maxMs);
        expect(change.nowMs + (grade === 'overload' ? 0 : waitMs)).toBeLessThan(change.deadlineMs);
      }),
    );
  });
});
