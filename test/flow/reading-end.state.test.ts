import { describe, expect, it } from 'vitest';
import { ReadingEnd } from '../../src/flow/reading-end.state.ts';

const extents = [
  { partition: 0, low: 10n, high: 20n },
  { partition: 1, low: 5n, high: 5n },
];

describe('the end of a reading', () => {
  it('is where each partition ended when it began', () => {
    const end = new ReadingEnd(extents, 1_000, 0);
    expect([end.unread(), end.isRead(0), end.isRead(1), end.isOver(0)]).toEqual([10n, false, true, false]);
    expect([end.includes(0, 19n), end.includes(0, 20n), end.includes(2, 0n)]).toEqual([true, false, false]);
    end.reached(0, 20n, 10);
    expect([end.unread(), end.isOver(10)]).toEqual([0n, true]);
  });

  it('is also where nothing more comes: the last offsets may be no records', () => {
    const end = new ReadingEnd(extents, 1_000, 0);
    end.reached(0, 19n, 500);
    expect([end.isOver(1_499), end.isOver(1_500)]).toEqual([false, true]);
    end.woke(1_500);
    expect(end.isOver(1_500)).toBe(false);
    expect([end.unread([0]), end.unread([1])]).toEqual([1n, 0n]);
  });

  it('is not reached by a partition that starts behind it', () => {
    const end = new ReadingEnd(extents, 1_000, 0);
    end.reached(0, 25n, 0);
    expect(end.unread()).toBe(0n);
  });
});
