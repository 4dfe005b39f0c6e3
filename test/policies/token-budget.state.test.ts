import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BudgetState, type Reservation } from '../../src/policies/token-budget.state.ts';

const limits = { tokens: 100, requests: 5, windowMs: 1000 };
/** Long enough that calls of some milliseconds share a sum. */
const modelLimits = { ...limits, windowMs: 10_000 };

interface Spent {
  readonly atMs: number;
  tokens: number;
  requests: number;
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
    const readyAtMs = real.readyAtMs(tokens, model.nowMs);
    expect(readyAtMs).toBeGreaterThanOrEqual(model.nowMs);
    expect(readyAtMs).toBeLessThanOrEqual(model.nowMs + modelLimits.windowMs);
    model.nowMs = readyAtMs; // nothing else is spent until then, so then it fits
    expect(real.readyAtMs(tokens, model.nowMs)).toBe(model.nowMs);
    const spent = { atMs: model.nowMs, tokens, requests: 1 };
    model.spent.push(spent);
    model.open.push({ reservation: real.reserve(tokens, model.nowMs), spent });
  },
  toString: () => `reserve(${String(tokens)})`,
});

const settle = (which: number, share: number): Command => ({
  check: ({ open }) => open.length > 0,
  run: (model, real) => {
    const [one] = model.open.splice(which % model.open.length, 1);
    if (!one) return;
    const used = Math.floor(one.spent.tokens * share);
    if (share < 0.1) {
      real.cancel(one.reservation);
      one.spent.tokens = one.spent.requests = 0;
    } else {
      real.settle(one.reservation, used, model.nowMs);
      one.spent.tokens = used;
    }
  },
  toString: () => `settle(${String(which)}, ${String(share)})`,
});

const between = (spent: readonly Spent[], fromMs: number, toMs: number) => {
  const inside = spent.filter(({ atMs }) => atMs > fromMs && atMs <= toMs);
  return { tokens: inside.reduce((sum, one) => sum + one.tokens, 0), requests: inside.reduce((sum, one) => sum + one.requests, 0) };
};

const holds: Command = {
  check: () => true,
  run: (model, real) => {
    const { tokens, requests } = real.spent(model.nowMs);
    const counted = between(model.spent, model.nowMs - modelLimits.windowMs, model.nowMs);
    expect(tokens).toBeGreaterThanOrEqual(counted.tokens); // never too little, or it would grant too much
    expect(requests).toBeGreaterThanOrEqual(counted.requests);
    // never above the limit in any window: enough to look at those that end with a reservation
    for (const { atMs } of model.spent) {
      const window = between(model.spent, atMs - modelLimits.windowMs, atMs);
      expect(window.tokens).toBeLessThanOrEqual(modelLimits.tokens);
      expect(window.requests).toBeLessThanOrEqual(modelLimits.requests);
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
        expect(real.spent(model.nowMs + modelLimits.windowMs)).toEqual({ tokens: 0, requests: 0 });
        // settling after the window has passed must not make the sums negative
        for (const { reservation } of model.open) real.settle(reservation, 0, model.nowMs + modelLimits.windowMs);
        expect(real.spent(model.nowMs + modelLimits.windowMs)).toEqual({ tokens: 0, requests: 0 });
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
    for (const [atMs = 0, tokens = 0] of spend) state.reserve(tokens, atMs);
    expect(state.readyAtMs(ask, nowMs)).toBe(readyAtMs);
  });

  it('spends what was used beyond the estimate when it is known', () => {
    const state = new BudgetState(limits);
    const reservation = state.reserve(10, 0);
    state.settle(reservation, 150, 500);
    expect(state.spent(999)).toEqual({ tokens: 150, requests: 1 });
    expect(state.readyAtMs(1, 1000)).toBe(1500);
    expect(state.spent(1000)).toEqual({ tokens: 140, requests: 0 });
  });

  it('holds about a thousand sums, whatever the number of calls', () => {
    const state = new BudgetState({ tokens: Infinity, requests: Infinity, windowMs: 1000 });
    const buckets = new Set<object>();
    for (let i = 0; i < 20_000; i += 1) buckets.add(state.reserve(1, i / 20).bucket);
    expect(buckets.size).toBeLessThanOrEqual(1001);
    expect(state.spent(999.99).tokens).toBe(20_000);
  });

  it('does not go back in time when another clock is behind', () => {
    const state = new BudgetState(limits);
    state.reserve(100, 500);
    expect([state.readyAtMs(1, 1600), state.readyAtMs(100, 0)]).toEqual([1600, 1600]);
  });
});
