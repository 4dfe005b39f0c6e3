import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Amounts, amountsOfEstimate, units } from '../../src/policies/call-amounts.state.ts';
import { BudgetState, type Observation } from '../../src/policies/token-budget.state.ts';

const unlimited: Amounts = { requests: Infinity, tokens: Infinity, inputTokens: Infinity, outputTokens: Infinity, money: Infinity };
const limits = { limits: { ...unlimited, tokens: 100, requests: 50 }, windowMs: 1000, jitterMs: 0, moneyDay: 'sliding' as const };
const of = (tokens: number): Amounts => amountsOfEstimate({ inputTokens: tokens, outputTokens: 0 });

describe('what a provider says', () => {
  const told = (left: number, given: Partial<Observation> & { readonly resetMs?: number } = {}): Observation => {
    const { resetMs, ...others } = given;
    return { dateMs: undefined, retryAfterMs: undefined, left: [{ unit: 'tokens', left, resetMs }], ...others };
  };
  const after = (...observations: readonly (readonly [Observation, number])[]) => {
    const state = new BudgetState(limits);
    for (const [observation, nowMs] of observations) state.observe(observation, nowMs, nowMs);
    return state;
  };

  it('lowers what is left until the reset', () => {
    const state = after([told(20, { resetMs: 300 }), 100]);
    expect(state.left(100).tokens).toBe(20);
    expect([state.readyAtMs(of(20), 100), state.readyAtMs(of(21), 100)]).toEqual([100, 400]);
    state.reserve(of(15), 200);
    expect(state.readyAtMs(of(6), 200)).toBe(400);
    expect(state.left(400).tokens).toBe(85);
  });

  it.each<[string, number, readonly (readonly [Observation, number])[]]>([
    ['more than is left counts for nothing', 100, [[told(5000), 0]]],
    ['without a reset it holds for a window', 20, [[told(20), 0]]],
    ['a reset that has passed counts for nothing', 100, [[told(20, { resetMs: -1 }), 0]]],
    [
      'a newer one takes the place of one before',
      50,
      [
        [told(20, { dateMs: 0 }), 0],
        [told(50, { dateMs: 1000 }), 1],
      ],
    ],
    [
      'one that is older by its date is stale',
      50,
      [
        [told(50, { dateMs: 1000 }), 0],
        [told(20, { dateMs: 0 }), 1],
      ],
    ],
    [
      'of one second the lower counts',
      20,
      [
        [told(20, { dateMs: 1000 }), 0],
        [told(50, { dateMs: 1000 }), 1],
      ],
    ],
    [
      'of one second the lower counts, whichever came first',
      20,
      [
        [told(50, { dateMs: 1000 }), 0],
        [told(20, { dateMs: 1000 }), 1],
      ],
    ],
    [
      'without dates the newer counts',
      50,
      [
        [told(20), 0],
        [told(50), 1],
      ],
    ],
    [
      'without dates one that was seen before is stale',
      50,
      [
        [told(50), 2],
        [told(20), 1],
      ],
    ],
    ['a budget without that limit heeds it', 20, [[{ ...told(20), left: [{ unit: 'inputTokens', left: 20, resetMs: 500 }] }, 0]]],
  ])('%s', (rule, left, observations) => {
    const amounts = after(...observations).left(2);
    expect(rule.includes('without that limit') ? amounts.inputTokens : amounts.tokens).toBe(left);
  });

  it('of an answer to an older request only what is lower counts', () => {
    const state = new BudgetState(limits);
    state.observe(told(20), 50, 40);
    state.observe(told(60), 51, 10);
    expect(state.left(51).tokens).toBe(20);
    state.observe(told(15), 52, 10);
    expect(state.left(52).tokens).toBe(15);
  });

  it('does not hold what was reserved since the request was sent', () => {
    const state = new BudgetState(limits);
    state.reserve(of(10), 0);
    state.reserve(of(30), 50);
    state.observe(told(50), 60, 0);
    expect(state.left(60).tokens).toBe(20);
  });

  it('gives back below what is told only what was taken after it', () => {
    const state = new BudgetState(limits);
    const before = state.reserve(of(40), 0);
    state.observe(told(30), 10, 10);
    const later = state.reserve(of(20), 20);
    state.cancel(before);
    expect(state.left(20).tokens).toBe(10);
    state.cancel(later);
    expect(state.left(20).tokens).toBe(30);
  });

  it('stops everything while it asks for that, and no shorter', () => {
    const state = after([told(100, { retryAfterMs: 700 }), 0], [told(100, { retryAfterMs: 100 }), 10]);
    expect(state.readyAtMs(of(1), 10)).toBe(700);
  });

  it('never raises what is left, whatever it says', () => {
    const observation = fc.record({
      dateMs: fc.option(fc.integer({ min: 0, max: 3000 }), { nil: undefined }),
      retryAfterMs: fc.option(fc.integer({ min: 0, max: 500 }), { nil: undefined }),
      left: fc.array(
        fc.record({
          unit: fc.constantFrom(...units),
          left: fc.integer({ min: -5, max: 300 }),
          resetMs: fc.option(fc.integer({ min: -50, max: 900 }), { nil: undefined }),
        }),
      ),
    });
    const step = fc.oneof(observation, fc.integer({ min: 0, max: 100 }));
    fc.assert(
      fc.property(fc.array(fc.tuple(step, fc.integer({ min: 0, max: 200 }))), (steps) => {
        const heeding = new BudgetState(limits);
        const deaf = new BudgetState(limits);
        let nowMs = 0;
        for (const [one, ms] of steps) {
          nowMs += ms;
          if (typeof one === 'object') heeding.observe(one, nowMs, nowMs - 5);
          else {
            expect(heeding.readyAtMs(of(one), nowMs)).toBeGreaterThanOrEqual(deaf.readyAtMs(of(one), nowMs));
            if (heeding.readyAtMs(of(one), nowMs) > nowMs) continue;
            heeding.reserve(of(one), nowMs);
            deaf.reserve(of(one), nowMs);
          }
          for (const unit of units) expect(heeding.left(nowMs)[unit]).toBeLessThanOrEqual(deaf.left(nowMs)[unit]);
        }
      }),
      { numRuns: 500 },
    );
  });
});
