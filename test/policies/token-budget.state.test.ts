import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Amounts, amountsOfEstimate, units } from '../../src/policies/call-amounts.state.ts';
import { dayMs, SlidingSum } from '../../src/policies/sliding-sum.state.ts';
import { BudgetState, type Reservation } from '../../src/policies/token-budget.state.ts';

const unlimited: Amounts = { requests: Infinity, tokens: Infinity, inputTokens: Infinity, outputTokens: Infinity, money: Infinity };
const limits = { limits: { ...unlimited, tokens: 100, requests: 5 }, windowMs: 1000, jitterMs: 0, moneyDay: 'sliding' as const };
/** Long enough that calls of some milliseconds share a sum. */
const modelLimits = { ...limits, limits: { ...limits.limits, outputTokens: 60 }, windowMs: 10_000, jitterMs: 50 };
const windowMs = modelLimits.windowMs + modelLimits.jitterMs;

/** A call's amounts: half of its tokens are prompt. */
const of = (tokens: number): Amounts => {
  const inputTokens = Math.ceil(tokens / 2);
  return amountsOfEstimate({ inputTokens, outputTokens: tokens - inputTokens }, { inputPerMillion: 1, outputPerMillion: 3 });
};

interface Spent {
  readonly atMs: number;
  amounts: Amounts;
}

/** What was reserved, one entry each, as a provider would count it. */
interface Model {
  nowMs: number;
  spent: Spent[];
  open: { readonly reservation: Reservation; readonly spent: Spent }[];
}
type Command = fc.Command<Model, BudgetState>;

const pass = (ms: number): Command => ({
  check: () => true,
  run: (model) => {
    model.nowMs += ms;
  },
  toString: () => `pass(${String(ms)})`,
});

const reserve = (tokens: number): Command => ({
  check: () => true,
  run: (model, real) => {
    const readyAtMs = real.readyAtMs(of(tokens), model.nowMs);
    expect(readyAtMs).toBeGreaterThanOrEqual(model.nowMs);
    expect(readyAtMs).toBeLessThanOrEqual(model.nowMs + windowMs);
    model.nowMs = readyAtMs; // nothing else is spent until then, so then it fits
    expect(real.readyAtMs(of(tokens), model.nowMs)).toBe(model.nowMs);
    const spent = { atMs: model.nowMs, amounts: of(tokens) };
    model.spent.push(spent);
    model.open.push({ reservation: real.reserve(of(tokens), model.nowMs), spent });
  },
  toString: () => `reserve(${String(tokens)})`,
});

const settle = (which: number, share: number): Command => ({
  check: ({ open }) => open.length > 0,
  run: (model, real) => {
    const [one] = model.open.splice(which % model.open.length, 1);
    if (!one) return;
    if (share < 0.1) {
      real.cancel(one.reservation);
      one.spent.amounts = none;
    } else {
      const used = of(Math.floor(one.spent.amounts.tokens * share));
      real.settle(one.reservation, used, model.nowMs);
      one.spent.amounts = used;
    }
  },
  toString: () => `settle(${String(which)}, ${String(share)})`,
});

const none: Amounts = { requests: 0, tokens: 0, inputTokens: 0, outputTokens: 0, money: 0 };
const between = (spent: readonly Spent[], fromMs: number, toMs: number, unit: keyof Amounts): number =>
  spent.filter(({ atMs }) => atMs > fromMs && atMs <= toMs).reduce((sum, { amounts }) => sum + amounts[unit], 0);

const holds: Command = {
  check: () => true,
  run: (model, real) => {
    const spent = real.spent(model.nowMs);
    for (const unit of units) {
      // never too little, or it would grant too much
      expect(spent[unit]).toBeGreaterThanOrEqual(between(model.spent, model.nowMs - modelLimits.windowMs, model.nowMs, unit));
      // never above the limit in any window: enough to look at those that end with a reservation
      for (const { atMs } of model.spent) {
        expect(between(model.spent, atMs - windowMs, atMs, unit)).toBeLessThanOrEqual(modelLimits.limits[unit]);
      }
    }
  },
  toString: () => 'holds',
};

describe('BudgetState', () => {
  it('never spends above the limits in any window, waits no longer than one, and leaks nothing', () => {
    const commands = fc.commands(
      [
        fc.integer({ min: 0, max: 100 }).map(reserve),
        fc.integer({ min: 0, max: 100 }).map(reserve),
        fc.integer({ min: 0, max: 12 }).map(pass),
        fc.integer({ min: 0, max: 7000 }).map(pass),
        fc.tuple(fc.nat(), fc.double({ min: 0, max: 1, noNaN: true })).map(([which, share]) => settle(which, share)),
        fc.constant(holds),
      ],
      { size: '+1' },
    );
    fc.assert(
      fc.property(commands, (steps) => {
        const model: Model = { nowMs: 0, spent: [], open: [] };
        const real = new BudgetState(modelLimits);
        fc.modelRun(() => ({ model, real }), [...steps, holds]);
        expect(real.spent(model.nowMs + dayMs + windowMs)).toEqual(none);
        // settling after the window has passed must not make the sums negative
        for (const { reservation } of model.open) real.settle(reservation, none, model.nowMs + dayMs + windowMs);
        expect(real.spent(model.nowMs + dayMs + windowMs)).toEqual(none);
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    { rule: 'a call that fits is ready now', spend: [[0, 60]], ask: 40, nowMs: 5, readyAtMs: 5 },
    { rule: 'one token more waits for the first to leave the window', spend: [[0, 60]], ask: 41, nowMs: 5, readyAtMs: 1000 },
    {
      rule: 'only as many leave as are needed',
      spend: [
        [0, 50],
        [300, 30],
        [600, 20],
      ],
      ask: 70,
      nowMs: 700,
      readyAtMs: 1300,
    },
    { rule: 'there is no boundary at which a new minute begins', spend: [[990, 100]], ask: 1, nowMs: 1010, readyAtMs: 1990 },
    {
      rule: 'the number of calls counts too',
      spend: [
        [0, 1],
        [10, 1],
        [20, 1],
        [30, 1],
        [40, 1],
      ],
      ask: 0,
      nowMs: 50,
      readyAtMs: 1000,
    },
    { rule: 'what is larger than a window never fits', spend: [], ask: 101, nowMs: 0, readyAtMs: Infinity },
  ])('$rule', ({ spend, ask, nowMs, readyAtMs }) => {
    const state = new BudgetState(limits);
    for (const [atMs = 0, tokens = 0] of spend) state.reserve(of(tokens), atMs);
    expect(state.readyAtMs(of(ask), nowMs)).toBe(readyAtMs);
  });

  it('spends what was used beyond the estimate when it is known', () => {
    const state = new BudgetState(limits);
    const reservation = state.reserve(of(10), 0);
    state.settle(reservation, of(150), 500);
    expect(state.spent(999)).toMatchObject({ tokens: 150, requests: 1 });
    expect(state.readyAtMs(of(1), 1000)).toBe(1500);
    expect(state.spent(1000)).toMatchObject({ tokens: 140, requests: 0 });
  });

  it('holds about a thousand sums, whatever the number of calls', () => {
    const state = new BudgetState({ ...limits, limits: unlimited });
    for (let i = 0; i < 20_000; i += 1) state.reserve(of(1), i / 20);
    expect(state.spent(999.99).tokens).toBe(20_000);
    const sum = new SlidingSum({ limit: Infinity, window: { kind: 'sliding', ms: 1000 }, jitterMs: 0 });
    for (let i = 0; i < 20_000; i += 1) sum.spend(1, i / 20);
    expect([...sum.entries(999.99)].length).toBeLessThanOrEqual(1001);
  });

  it('does not go back in time when another clock is behind', () => {
    const state = new BudgetState(limits);
    state.reserve(of(100), 500);
    expect([state.readyAtMs(of(1), 1600), state.readyAtMs(of(100), 0)]).toEqual([1600, 1600]);
  });

  it.each([
    { moneyDay: 'sliding' as const, freeMs: dayMs + 3_600_000 },
    { moneyDay: 'utc' as const, freeMs: dayMs },
  ])('frees money by its day ($moneyDay), exactly', ({ moneyDay, freeMs }) => {
    const state = new BudgetState({ ...limits, limits: { ...unlimited, money: 1000 }, moneyDay });
    const money = (amount: number): Amounts => ({ ...none, money: amount });
    state.reserve(money(999), 3_600_000);
    expect(state.readyAtMs(money(1), 3_600_001)).toBe(3_600_001);
    expect(state.readyAtMs(money(2), 3_600_001)).toBe(freeMs);
    state.reserve(money(1), dayMs - 1); // of the same day, though long after
    expect(state.spent(dayMs - 1).money).toBe(1000);
    expect(state.readyAtMs(money(1000), dayMs - 1)).toBe(moneyDay === 'utc' ? dayMs : 2 * dayMs - 1);
  });

  it('counts for longer by what requests may overtake each other', () => {
    const state = new BudgetState({ ...limits, jitterMs: 30 });
    state.reserve(of(100), 0);
    expect(state.readyAtMs(of(1), 5)).toBe(1030);
  });

  it('counts prompts and answers apart', () => {
    const state = new BudgetState({ ...limits, limits: { ...unlimited, inputTokens: 100, outputTokens: 10 } });
    const call = (inputTokens: number, outputTokens: number): Amounts => amountsOfEstimate({ inputTokens, outputTokens });
    state.reserve(call(60, 5), 0);
    expect([call(40, 5), call(41, 5), call(40, 6), call(0, 5)].map((wanted) => state.readyAtMs(wanted, 1))).toEqual([1, 1000, 1000, 1]);
  });
});
