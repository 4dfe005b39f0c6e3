import { describe, expect, it } from 'vitest';
import { retryBudget } from '../../src/policies/retry-budget.ts';
import { virtualClock } from '../../src/testing.ts';
import { upTo } from '../helpers/mill.ts';

/** `n` retries that want to begin now; when each did, in the order in which they began. */
const want = (n: number, options = {}) => {
  const clock = virtualClock();
  const budget = retryBudget({ share: 0.5, floor: 2, windowMs: 1000, ...options });
  const began: { readonly id: number; readonly atMs: number }[] = [];
  let seed = 7;
  const random = (): number => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647;
  const leave = Array.from({ length: n }, (_, id) =>
    budget.retry({ clock, random, granted: () => void began.push({ id, atMs: clock.nowMs() }) }),
  );
  return { clock, budget, began, leave };
};

describe('retryBudget', () => {
  it('lets the floor through at once, and the others as it comes free, in an order of chance', async () => {
    const { clock, budget, began } = want(20);
    expect([began.length, budget.waiting]).toEqual([2, 18]);
    await clock.runUntilIdle();
    expect(began).toHaveLength(20);
    expect(budget.waiting).toBe(0);
    const later = began.slice(2).map(({ id }) => id);
    expect(later).not.toEqual([...later].sort((a, b) => a - b));
    for (const { atMs } of began) expect(began.filter((one) => one.atMs > atMs - 1000 && one.atMs <= atMs).length).toBeLessThanOrEqual(2);
  });

  it('has a share of the calls, and spreads those that it lets go together', async () => {
    const { clock, budget, began } = want(202, { windowMs: 10_000 });
    await clock.advance(100);
    for (let i = 0; i < 400; i += 1) budget.called(clock.nowMs());
    await clock.advance(2100);
    expect(began).toHaveLength(202);
    const buckets = new Map<number, number>();
    for (const { atMs } of began) buckets.set(Math.floor(atMs / 100), (buckets.get(Math.floor(atMs / 100)) ?? 0) + 1);
    expect(Math.max(...buckets.values())).toBeLessThanOrEqual(0.2 * 202);
  });

  it('forgets who leaves, while it waits and when it has a turn; what it had goes to the next', async () => {
    const { clock, budget, began, leave } = want(6);
    leave[2]?.();
    leave[2]?.();
    expect(budget.waiting).toBe(3);
    budget.called(0);
    budget.called(0); // one turn
    expect(budget.describe(0)).toEqual({
      ...{ name: 'retryBudget', kind: 'retry-budget', used: 2, limit: 3, waiting: 3, reason: 'the retry budget is spent' },
    });
    for (const one of leave) one();
    await clock.runUntilIdle();
    expect([began.length, budget.waiting, clock.nowMs()]).toEqual([2, 0, 0]);
    expect(budget.describe(0)).toMatchObject({ used: 2, waiting: 0 });
  });

  it.each([
    [0, [0, 1, 2]],
    [0.99, [0, 1, 5]],
  ])('with chance %s lets begin first: %j', (random, expected) => {
    const clock = virtualClock();
    const budget = retryBudget({ share: 0.5, floor: 2, windowMs: 1000 });
    const began: number[] = [];
    for (let id = 0; id < 6; id += 1) budget.retry({ clock, random: () => random, granted: () => void began.push(id) });
    for (let i = 0; i < 2; i += 1) budget.called(0);
    return clock.advance(200).then(() => {
      expect(began).toEqual(expected);
    });
  });

  it('gives the turn of one who leaves to the next', async () => {
    const clock = virtualClock();
    const budget = retryBudget({ share: 0.5, floor: 2, windowMs: 1000 });
    const began: number[] = [];
    const leave = upTo(4).map((id) => budget.retry({ clock, random: () => 0, granted: () => void began.push(id) }));
    for (let i = 0; i < 2; i += 1) budget.called(0);
    leave[2]?.();
    await clock.advance(1);
    expect(began).toEqual([0, 1, 3]);
  });

  it('takes at once or not at all for what can do without', () => {
    const { budget } = want(0);
    expect([budget.take(0), budget.take(0), budget.take(0)]).toEqual([true, true, false]);
  });

  it('costs the same for each of 20,000 that wait and leave', () => {
    const { budget, leave } = want(20_000);
    for (const one of leave.reverse()) one();
    expect(budget.waiting).toBe(0);
  });

  it.each([
    [{ share: 2 }, 'retryBudget.share must be a number from 0 to 1, got 2'],
    [{ floor: 0 }, 'retryBudget.floor must be an integer >= 1, got 0'],
    [{ windowMs: 0 }, 'retryBudget.windowMs must be a number'],
  ])('refuses %j when it is called', (options, message) => {
    expect(() => retryBudget(options)).toThrow(message);
  });
});
