import { describe, expect, it, vi } from 'vitest';
import { OpenParts } from '../../src/record/run.ts';

const microtask = (): Promise<void> => Promise.resolve();

describe('OpenParts', () => {
  it.each([
    { rule: 'only when the source is blocked', blocked: false, depths: [1], waiting: 1, depth: 1, expected: false },
    { rule: 'when those that wait are all', blocked: true, depths: [1, 1], waiting: 2, depth: 1, expected: true },
    { rule: 'not while one is before them', blocked: true, depths: [0, 1], waiting: 1, depth: 1, expected: false },
    { rule: 'whatever is behind them', blocked: true, depths: [1, 2, 3], waiting: 1, depth: 1, expected: true },
  ])('says that nothing more can come $rule', ({ blocked, depths, waiting, depth, expected }) => {
    const open = new OpenParts();
    for (const one of depths) open.moved(one, 1);
    open.setSourceBlocked(blocked);
    expect(open.nothingMoreCan(waiting, depth)).toBe(expected);
  });

  it('tells once of a burst of changes, when it is over', async () => {
    const open = new OpenParts();
    const told = vi.fn();
    open.onChange(told);
    open.setSourceBlocked(true);
    for (let i = 0; i < 5; i += 1) open.moved(0, 1);
    expect(told).not.toHaveBeenCalled();
    await microtask();
    expect(told).toHaveBeenCalledTimes(1);
  });

  it('tells a listener that comes when all is still, and none that has left', async () => {
    const open = new OpenParts();
    open.setSourceBlocked(true);
    await microtask();
    const [stays, leaves] = [vi.fn(), vi.fn()];
    open.onChange(stays);
    open.onChange(leaves)();
    await microtask();
    expect([stays.mock.calls.length, leaves.mock.calls.length]).toEqual([1, 0]);
  });
});
