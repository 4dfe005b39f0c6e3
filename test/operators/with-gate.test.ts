import { NEVER, of } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { withGate } from '../../operators/index.ts';
import type { EngineGate } from '../../src/policies/engine-gate.ts';
import { engineGate } from '../../src/policies/engine-gate.ts';
import { virtualClock } from '../../src/testing.ts';
import { marbles } from '../helpers/marbles.ts';
import { testScope, within } from '../helpers/scope.ts';

/** A gate that lets each call pass after so many ms. */
const gateAfter = (ms: number): EngineGate => ({
  waiting: 0,
  enter: ({ clock, hold, granted }) => {
    hold('full', clock.nowMs() + ms);
    return clock.schedule(ms, granted);
  },
  describe: () => ({ name: 'gate', kind: 'engine-gate', used: 0, limit: 1, waiting: 0 }),
});

describe('withGate', () => {
  it('starts the call when the gate lets it pass, holding the source and standing the time still until then', () => {
    marbles(({ cold, clock, expectObservable, expectSubscriptions, flush }) => {
      const scope = testScope(clock);
      const work = cold('--a-(b|)');
      expectObservable(within(scope, work.pipe(withGate(gateAfter(3))))).toBe('-----a-(b|)');
      expectSubscriptions(work.subscriptions).toBe('---^---!');
      clock.schedule(2, () => {
        expect(scope.waits).toEqual(['full']);
      });
      clock.schedule(4, () => {
        expect(scope.waits).toEqual([]);
      });
      flush();
      expect(scope.holds).toEqual([{ reason: 'full', untilMs: 3 }]);
    });
  });

  it('passes an error on, and aborts the call when downstream leaves', () => {
    marbles(({ cold, clock, expectObservable, expectSubscriptions }) => {
      const failing = cold('-#');
      expectObservable(within(testScope(clock), failing.pipe(withGate(gateAfter(1))))).toBe('--#');
      const left = cold('---------|');
      expectObservable(within(testScope(clock), left.pipe(withGate(gateAfter(2)))), '----!').toBe('----');
      expectSubscriptions(left.subscriptions).toBe('--^-!');
    });
  });

  it('gives up its place, and its wait, when downstream leaves', async () => {
    const clock = virtualClock();
    const read = () => Promise.resolve({ running: 9, waiting: 9 });
    const gate = engineGate({ engine: 'other', read });
    const scope = testScope(clock);
    const subscription = within(scope, NEVER.pipe(withGate(gate))).subscribe();
    await clock.advance(100);
    expect([gate.waiting, scope.waits]).toEqual([1, ['requests wait inside the engine']]);
    subscription.unsubscribe();
    expect([gate.waiting, scope.waits]).toEqual([0, []]);
    await clock.runUntilIdle();
  });

  it('lets many pass in the order of asking', async () => {
    const clock = virtualClock();
    const gate = engineGate({ engine: 'other', read: () => Promise.resolve({ running: 0, waiting: 0 }) });
    const order: number[] = [];
    for (let n = 0; n < 1_000; n += 1) {
      within(testScope(clock, { random: () => 0.5 }), of(n).pipe(withGate(gate))).subscribe({
        next: (value) => void order.push(value),
        error: expect.unreachable,
      });
    }
    await clock.runUntilIdle();
    expect(order).toEqual(Array.from({ length: 1_000 }, (_, n) => n));
  });

  it('refuses what is no gate when it is called', () => {
    expect(() => withGate({} as EngineGate)).toThrow('withGate must be given an engineGate({ … })');
  });
});
