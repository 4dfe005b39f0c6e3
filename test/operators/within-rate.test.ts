import { NEVER, of, throwError } from 'rxjs';
import { describe, expect, it, vi } from 'vitest';
import { withinRate } from '../../operators/index.ts';
import { rateLimit } from '../../src/policies/rate-limit.ts';
import { virtualClock } from '../../src/testing.ts';
import { marbles } from '../helpers/marbles.ts';
import { testScope, within } from '../helpers/scope.ts';

describe('withinRate', () => {
  it('starts as many as the bucket holds, and then one whenever another is refilled, in turn', () => {
    marbles(({ cold, clock, expectObservable, expectSubscriptions, flush }) => {
      const rate = rateLimit({ capacity: 2, refillPerSecond: 100 });
      const scope = testScope(clock);
      for (const { out, held } of [
        { out: '-(a|)', held: '^!' },
        { out: '-(a|)', held: '^!' },
        { out: '10ms -(a|)', held: '10ms ^!' },
        { out: '20ms -(a|)', held: '20ms ^!' },
      ]) {
        const work = cold('-(a|)');
        expectObservable(within(scope, work.pipe(withinRate(rate)))).toBe(out);
        expectSubscriptions(work.subscriptions).toBe(held);
      }
      flush();
      const reason = 'the rate limit is reached (100 a second)';
      expect(scope.holds).toEqual([
        { reason, untilMs: 10 },
        { reason, untilMs: 10 },
        { reason, untilMs: 20 },
      ]);
    });
  });

  it('keeps starts apart, also when many may start', () => {
    marbles(({ cold, clock, expectObservable, flush }) => {
      const rate = rateLimit({ capacity: 10, refillPerSecond: 10, minIntervalMs: 30 });
      for (const out of ['(a|)', '30ms (a|)', '60ms (a|)']) {
        expectObservable(within(testScope(clock), cold('(a|)').pipe(withinRate(rate)))).toBe(out);
      }
      flush();
    });
  });

  it('aborts the work when downstream leaves', () => {
    marbles(({ cold, clock, expectObservable, expectSubscriptions }) => {
      const work = cold('----a');
      expectObservable(within(testScope(clock), work.pipe(withinRate(rateLimit()))), '--!').toBe('---');
      expectSubscriptions(work.subscriptions).toBe('^-!');
    });
  });

  it('spends nothing of a call that leaves while it waits, and a start however it ends', async () => {
    const clock = virtualClock();
    const rate = rateLimit({ capacity: 1, refillPerSecond: 1 });
    const scope = testScope(clock);
    within(scope, throwError(() => new Error('no')).pipe(withinRate(rate))).subscribe({ error: () => undefined });
    const waiting = within(scope, NEVER.pipe(withinRate(rate))).subscribe();
    const value = vi.fn();
    within(scope, of(1).pipe(withinRate(rate))).subscribe({ next: value, error: () => undefined });
    expect(scope.waits).toHaveLength(2);
    expect(rate.describe(0)).toMatchObject({ used: 1, limit: 1, waiting: 2, pausedUntilMs: 1000 });
    waiting.unsubscribe();
    expect(rate.waiting).toBe(1);
    expect(scope.waits).toEqual(['the rate limit is reached (1 a second)']);
    await clock.advance(999);
    expect(value).not.toHaveBeenCalled();
    await clock.advance(1);
    expect([value.mock.calls, rate.waiting, scope.waits]).toEqual([[[1]], 0, []]);
    await clock.runUntilIdle();
    expect(clock.nowMs()).toBe(1000); // no timer was left
  });

  it('refuses what is no rate limit', () => {
    expect(() => withinRate(undefined as never)).toThrow('withinRate must be given a rateLimit({ … })');
  });
});
