import fc from 'fast-check';
import { expect, it } from 'vitest';
import { AimdLimitState } from '../../src/policies/aimd-limit.state.ts';

const settings = { min: 1, max: 8, initial: 8, coolDownMs: 100 };

function world(given: Partial<typeof settings> = {}) {
  const state = new AimdLimitState({ ...settings, ...given });
  let nowMs = 0;
  const end = (
    result: 'success' | 'overload' | 'other',
    fields: { readonly running?: number; readonly retryAfterMs?: number } = {},
  ): void => {
    const { running = state.limit, retryAfterMs } = fields;
    state.ended({ begun: state.begin(), result, startedMs: nowMs, nowMs, running, retryAfterMs });
  };
  const succeed = (times: number, running?: number): void => {
    for (let i = 0; i < times; i += 1) end('success', running === undefined ? {} : { running });
  };
  return { state, end, succeed, wait: (ms: number) => void (nowMs += ms) };
}

it('stays where it began, whatever calls take, until one is refused', () => {
  const { state, succeed, end, wait } = world();
  for (let round = 0; round < 100; round += 1) {
    wait(1 + round * 37);
    succeed(30);
    end('other');
  }
  expect([state.limit, state.lowered]).toEqual([8, 0]);
});

it('is cut by a quarter, once for all calls that ran then, and comes back by one after 25 successes', () => {
  const { state, end, succeed, wait } = world();
  const sentBefore = state.begin();
  end('overload');
  expect(state.limit).toBe(6);
  state.ended({ begun: sentBefore, result: 'overload', startedMs: 0, nowMs: 0, running: 6 });
  expect([state.limit, state.lowered]).toEqual([6, 1]);
  succeed(100);
  expect(state.limit).toBe(6); // it cools down
  wait(100);
  succeed(24);
  expect(state.limit).toBe(6);
  succeed(1);
  expect(state.limit).toBe(7);
  succeed(24, 6); // not all of it was used
  expect(state.limit).toBe(7);
  succeed(1_000);
  expect(state.limit).toBe(8);
});

it('cools down for as long as the other side says', () => {
  const { state, end, succeed, wait } = world();
  end('overload', { retryAfterMs: 5_000 });
  expect(state.coolDownUntilMs).toBe(5_000);
  wait(4_999);
  succeed(100);
  expect(state.limit).toBe(6);
  end('overload'); // refused all the same: no second cut
  expect([state.limit, state.coolDownUntilMs]).toEqual([5, 5_099]);
});

it('never leaves its bounds, and the first refusal always lowers it above the least', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('success', 'overload', 'other', 'wait')), fc.integer({ min: 1, max: 8 }), (ends, initial) => {
      const { state, end, wait } = world({ initial, min: 1 });
      for (const one of ends) {
        const before = state.limit;
        if (one === 'wait') wait(60);
        else end(one);
        expect(state.limit).toBeGreaterThanOrEqual(1);
        expect(state.limit).toBeLessThanOrEqual(8);
        if (one === 'overload' && before > 1) expect(state.limit).toBeLessThan(before);
      }
    }),
  );
});
