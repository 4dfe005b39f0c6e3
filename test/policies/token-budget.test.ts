import { describe, expect, it, vi } from 'vitest';
import type { BudgetShare } from '../../src/policies/token-budget.ts';
import { tokenBudget } from '../../src/policies/token-budget.ts';
import { virtualClock } from '../../src/testing.ts';

function setUp(options: Parameters<typeof tokenBudget>[0]) {
  const clock = virtualClock();
  const budget = tokenBudget({ jitterMs: 0, ...options });
  const granted: string[] = [];
  const holds: [string, number][] = [];
  const ask = (name: string, tokens: number, then?: (share: BudgetShare) => void): BudgetShare =>
    budget.acquire({
      tokens,
      clock,
      hold: (_reason, untilMs) => holds.push([name, untilMs]),
      granted: (share) => {
        granted.push(`${name}@${String(clock.nowMs())}`);
        then?.(share);
      },
    });
  return { clock, budget, granted, holds, ask };
}

describe('tokenBudget', () => {
  it('is a resource of itself', async () => {
    const budget = tokenBudget({ tokensPerMinute: 5 });
    const opened = await budget.open({ clock: virtualClock(), signal: new AbortController().signal, log: () => undefined });
    expect(opened.value).toBe(budget);
    await opened.close();
  });

  it('describes what is spent and left, and until when it pauses', async () => {
    const { clock, ask, budget } = setUp({ tokensPerMinute: 10, requestsPerMinute: 3 });
    ask('a', 6);
    const free = {
      name: 'tokenBudget',
      kind: 'token-budget',
      used: 6,
      limit: 10,
      waiting: 0,
      numbers: { tokens_left: 4, requests_left: 2 },
    };
    expect(budget.describe(0)).toEqual(free);
    const waiting = ask('b', 5);
    const reason = 'the token budget is spent (10 tokens per minute, 3 requests per minute)';
    expect(budget.describe(0)).toEqual({ ...free, waiting: 1, pausedUntilMs: 60_000, reason });
    waiting.cancel();
    expect(budget.describe(0)).toEqual(free);
    await clock.advance(60_000);
    expect(budget.describe(60_000)).toMatchObject({ used: 0, numbers: { tokens_left: 10, requests_left: 3 } });
  });

  const told = (headers: Readonly<Record<string, string>>) => ({ get: (name: string): string | null => headers[name] ?? null });

  it('says that the provider asks for a pause, until when, also while nobody waits, and heeds 15 minutes of it', async () => {
    const { clock, ask, budget, granted } = setUp({ tokensPerMinute: 1_000 });
    budget.observe(told({ 'retry-after': '999999999' }), 0);
    const reason = 'the provider asks for a pause (retry-after)';
    expect(budget.describe(0)).toMatchObject({ waiting: 0, pausedUntilMs: 900_000, reason, numbers: { tokens_left: 1_000 } });
    const reasons: string[] = [];
    budget.acquire({ tokens: 1, clock, hold: (why) => reasons.push(why), granted: () => granted.push('first') });
    ask('second', 1);
    expect([reasons, budget.describe(0).reason, budget.describe(0).waiting]).toEqual([[reason], reason, 2]);
    await clock.advance(899_999);
    expect(granted).toEqual([]);
    await clock.advance(1);
    expect([granted, budget.describe(900_000).reason]).toEqual([['first', 'second@900000'], undefined]);
    const patient = setUp({ tokensPerMinute: 1_000, maxPauseMs: 7_200_000 }).budget;
    patient.observe(told({ 'retry-after': '3600' }), 0);
    expect(patient.describe(0).pausedUntilMs).toBe(3_600_000);
    expect(() => tokenBudget({ tokensPerMinute: 1, maxPauseMs: -1 })).toThrow('tokenBudget.maxPauseMs');
  });

  it('is not blinded by a Date in the far future: what comes later counts', () => {
    const nowMs = Date.UTC(2026, 0, 1);
    const dated = (ms: number, headers: Readonly<Record<string, string>>) => told({ date: new Date(ms).toUTCString(), ...headers });
    for (const leapMs of [120_000, 3_600_000, 74 * 365 * 86_400_000]) {
      const { budget } = setUp({ tokensPerMinute: 1_000 });
      budget.observe(dated(nowMs, { 'x-ratelimit-remaining-tokens': '500' }), nowMs);
      budget.observe(dated(nowMs + leapMs, { 'x-ratelimit-remaining-tokens': '900' }), nowMs + 1_000);
      expect(budget.describe(nowMs + 1_000).numbers?.['tokens_left'], 'what has leapt raises nothing').toBe(500);
      budget.observe(dated(nowMs + 2_000, { 'x-ratelimit-remaining-tokens': '0', 'retry-after': '30' }), nowMs + 2_000);
      expect(budget.describe(nowMs + 2_000)).toMatchObject({ pausedUntilMs: nowMs + 32_000, numbers: { tokens_left: 0 } });
      budget.observe(dated(nowMs + 3_000, { 'x-ratelimit-remaining-tokens': '700' }), nowMs + 3_000);
      expect(budget.describe(nowMs + 3_000).numbers?.['tokens_left'], 'and then they are ordered by it again').toBe(700);
      budget.observe(dated(nowMs + 2_000, { 'x-ratelimit-remaining-tokens': '0' }), nowMs + 3_000);
      expect(budget.describe(nowMs + 3_000).numbers?.['tokens_left'], 'overtaken').toBe(700);
    }
  });

  it('counts requests where tokens have no limit', () => {
    const { ask, budget } = setUp({ requestsPerMinute: 3 });
    ask('a', 6);
    expect(budget.describe(0)).toMatchObject({ used: 1, limit: 3, numbers: { tokens_left: Infinity, requests_left: 2 } });
  });

  it('serves in turn: a big call is not overtaken', async () => {
    const { clock, granted, ask, holds } = setUp({ tokensPerMinute: 10 });
    ask('a', 6);
    await clock.advance(10_000);
    ask('b', 3);
    ask('big', 9);
    ask('small', 1);
    await clock.advance(60_000);
    expect(granted).toEqual(['a@0', 'b@10000', 'big@70000', 'small@70000']);
    expect(holds).toEqual([
      ['big', 70_000],
      ['small', 70_000],
    ]);
  });

  it('serves earlier when a call used less than it reserved', async () => {
    const { clock, granted, ask, budget } = setUp({ tokensPerMinute: 10 });
    const first = ask('a', 10);
    ask('b', 5);
    await clock.advance(1000);
    expect(budget.waiting).toBe(1);
    first.settle(5);
    expect([granted, budget.waiting]).toEqual([['a@0', 'b@1000'], 0]);
  });

  it('serves the next when the first one leaves', async () => {
    const { clock, granted, ask, budget } = setUp({ tokensPerMinute: 10 });
    ask('a', 5);
    const big = ask('big', 10);
    ask('small', 5);
    big.cancel();
    big.cancel();
    expect([granted, budget.waiting]).toEqual([['a@0', 'small@0'], 0]);
    await clock.runUntilIdle();
    expect(clock.nowMs()).toBe(0); // no timer was left
  });

  it('tells a new first waiter although the time is the same', () => {
    const { ask, holds } = setUp({ tokensPerMinute: 10 });
    ask('a', 10);
    ask('b', 5).cancel();
    ask('c', 5);
    expect(holds).toEqual([
      ['b', 60_000],
      ['c', 60_000],
    ]);
  });

  it.each([Number.NaN, -3, Infinity])('keeps what was reserved where the use is told as %s, and goes on', async (used) => {
    const { clock, budget, granted, ask } = setUp({ tokensPerMinute: 10 });
    ask('a', 6).settle(used);
    expect(budget.spent(0)).toMatchObject({ tokens: 6, requests: 1 });
    ask('b', 6);
    await clock.advance(60_000);
    expect(granted).toEqual(['a@0', 'b@60000']);
  });

  it('settles once, and gives a call that never ran everything back', () => {
    const { budget, ask } = setUp({ tokensPerMinute: 10, requestsPerMinute: 2 });
    const share = ask('a', 6);
    share.settle(4);
    share.settle(1);
    share.cancel();
    expect(budget.spent(0)).toMatchObject({ tokens: 4, requests: 1 });
    ask('b', 6).cancel();
    expect(budget.spent(0)).toMatchObject({ tokens: 4, requests: 1 });
  });

  it('counts requests alone, and names its limits in the reason', async () => {
    const clock = virtualClock();
    const budget = tokenBudget({ requestsPerMinute: 1, jitterMs: 0 });
    const hold = vi.fn();
    const ask = () => budget.acquire({ tokens: 1e12, clock, hold, granted: () => undefined });
    ask();
    ask();
    expect(hold).toHaveBeenCalledExactlyOnceWith('the token budget is spent (1 requests per minute)', 60_000);
    await clock.advance(60_000);
    expect(budget.waiting).toBe(0);
  });

  it('does not overflow the stack when many calls that wait end at once', async () => {
    const { clock, granted, ask } = setUp({ tokensPerMinute: 10 });
    ask('first', 10);
    for (let i = 0; i < 20_000; i += 1)
      ask('next', 10, (share) => {
        share.settle(0);
      });
    await clock.advance(60_000);
    expect(granted).toHaveLength(20_001);
  });

  it('does not keep those who left in the middle of the queue', () => {
    const { budget, ask } = setUp({ tokensPerMinute: 10 });
    ask('a', 10);
    ask('first', 1);
    const refs = Array.from({ length: 1000 }, () => ask('later', 1));
    for (const share of refs) share.cancel();
    expect(budget.waiting).toBe(1);
  });

  it.each([
    [{}, 'tokenBudget needs tokensPerMinute, requestsPerMinute,'],
    [{ tokensPerMinute: 0 }, 'tokenBudget.tokensPerMinute must allow at least 1 in windowMs (60000), got 0 a minute'],
    [{ requestsPerMinute: 30, windowMs: 1000 }, 'tokenBudget.requestsPerMinute must allow at least 1 in windowMs (1000), got 30 a minute'],
    [{ tokensPerMinute: -1 }, 'tokenBudget.tokensPerMinute must be a number >= 0, got -1'],
    [{ moneyPerDay: 1 }, 'tokenBudget.moneyPerDay needs prices: { inputPerMillion, outputPerMillion }, got none'],
    [{ tokensPerMinute: 1, windowMs: 10 }, 'tokenBudget.windowMs must be an integer from 100 to 86400000, got 10'],
  ])('refuses %j when it is called', (options, message) => {
    expect(() => tokenBudget(options)).toThrow(message);
  });
});
