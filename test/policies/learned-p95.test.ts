import { describe, expect, it } from 'vitest';
import { learnedP95 } from '../../src/policies/learned-p95.ts';
import { LearnedState } from '../../src/policies/learned-p95.state.ts';

describe('learnedP95', () => {
  it('reserves the longest answer until enough is known, then what 95 of 100 stay within, and never more than the longest', () => {
    const reserve = learnedP95({ minCalls: 100 });
    for (let length = 1; length < 100; length += 1) reserve.learn('a', length);
    expect(reserve.outputTokens('a', 512)).toBe(512);
    reserve.learn('a', 100);
    expect([reserve.outputTokens('a', 512), reserve.outputTokens('a', 50), reserve.outputTokens('b', 512)]).toEqual([95, 50, 512]);
  });

  it('forgets what is older than the last calls', () => {
    const reserve = learnedP95({ minCalls: 20, lastCalls: 20 });
    for (let i = 0; i < 20; i += 1) reserve.learn('a', 300);
    expect(reserve.outputTokens('a', 512)).toBe(300);
    for (let i = 0; i < 20; i += 1) reserve.learn('a', 10);
    expect(reserve.outputTokens('a', 512)).toBe(10);
  });

  it('knows a bounded number of steps, and forgets the one not used for longest', () => {
    const state = new LearnedState({ quantile: 0.95, minCalls: 1, lastCalls: 5, maxSteps: 2 });
    for (const step of ['a', 'b', 'a', 'c']) state.learn(step, 7);
    expect(['a', 'b', 'c'].map((step) => state.length(step))).toEqual([7, undefined, 7]);
  });

  it('passes what it reserved as seldom as it says, on lengths of one kind', () => {
    const reserve = learnedP95();
    let seed = 7;
    const draw = (): number => {
      seed = (seed * 48_271) % 2_147_483_647;
      return Math.ceil(-80 * Math.log(1 - seed / 2_147_483_647));
    };
    let [over, calls] = [0, 0];
    for (let i = 0; i < 20_000; i += 1) {
      const length = Math.min(512, draw());
      const reserved = reserve.outputTokens('a', 512);
      if (reserved < 512) calls += 1;
      if (length > reserved) over += 1;
      reserve.learn('a', length);
    }
    expect(over / calls).toBeGreaterThan(0.03);
    expect(over / calls).toBeLessThan(0.07);
  });

  it.each([
    [{ minCalls: 5 }, 'learnedP95.minCalls must be an integer >= 20, got 5'],
    [{ minCalls: 100, lastCalls: 50 }, 'learnedP95.lastCalls must be >= minCalls (100), got 50'],
    [{ maxSteps: 0 }, 'learnedP95.maxSteps must be an integer >= 1, got 0'],
  ])('refuses %j', (options, message) => {
    expect(() => learnedP95(options)).toThrow(message);
  });
});
