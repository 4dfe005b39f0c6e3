import { describe, expect, it, vi } from 'vitest';
import { OpenParts, type SourceBlock } from '../../src/record/run.ts';

const microtask = (): Promise<void> => Promise.resolve();

describe('OpenParts', () => {
  it.each<{ rule: string; block?: SourceBlock; depths: number[]; waiting: number; expected: boolean }>([
    { rule: 'while the source is open', depths: [1], waiting: 1, expected: false },
    { rule: 'when those that wait are all', block: 'full', depths: [1, 1], waiting: 2, expected: true },
    { rule: 'while one is before them', block: 'full', depths: [0, 1], waiting: 1, expected: false },
    { rule: 'while one is before them and the source is shut', block: 'shut', depths: [0, 1], waiting: 1, expected: false },
    { rule: 'while somebody is at work behind them, whose end makes room', block: 'full', depths: [1, 2, 3], waiting: 1, expected: false },
    { rule: 'whoever is behind them, once the source is shut', block: 'shut', depths: [1, 2, 3], waiting: 1, expected: true },
  ])('answers $expected $rule', ({ block, depths, waiting, expected }) => {
    const open = new OpenParts();
    for (const one of depths) open.moved(one, 1);
    for (let i = 0; i < waiting; i += 1) open.rests(1);
    open.setSourceBlocked(block);
    expect(open.nothingMoreCan(waiting, 1)).toBe(expected);
  });

  it('takes a full source for one that may emit until all rest, and nothing is on its way out', () => {
    const open = new OpenParts();
    open.setSourceBlocked('full');
    const seen = [
      () => open.moved(1, 1),
      () => open.rests(1),
      () => open.leaves(1),
      () => open.leaves(-1),
      () => open.setSourceBlocked(undefined),
    ].map((step) => {
      step();
      return open.mayEmit;
    });
    expect(seen).toEqual([true, false, true, false, true]);
  });

  it('tells once of a burst of changes, when it is over', async () => {
    const open = new OpenParts();
    const told = vi.fn();
    open.onChange(told);
    open.setSourceBlocked('full');
    for (let i = 0; i < 5; i += 1) open.moved(0, 1);
    expect(told).not.toHaveBeenCalled();
    await microtask();
    expect(told).toHaveBeenCalledTimes(1);
  });

  it('tells a listener that comes when all is still, and none that has left', async () => {
    const open = new OpenParts();
    open.setSourceBlocked('full');
    await microtask();
    const [stays, leaves] = [vi.fn(), vi.fn()];
    open.onChange(stays);
    open.onChange(leaves)();
    await microtask();
    expect([stays.mock.calls.length, leaves.mock.calls.length]).toEqual([1, 0]);
  });
});
