import { expect, it } from 'vitest';
import { LongHolds } from '../../src/runtime/long-holds.state.ts';

it('says a long hold once, and again when it is put off for long or comes back', () => {
  const holds = new LongHolds();
  const said = [
    ['a', 59_999, 0],
    ['a', 60_000, 0],
    ['a', 60_000, 10],
    ['b', 60_000, 0],
    ['a', 100_000, 20],
    ['a', 200_000, 30],
    ['a', 300_000, 210_000],
  ] as const;
  expect(said.map(([reason, untilMs, nowMs]) => holds.isNews(reason, untilMs, nowMs))).toEqual([
    false,
    true,
    false,
    true,
    false,
    true,
    true,
  ]);
});

it('forgets the reasons of long ago', () => {
  const holds = new LongHolds();
  for (let n = 0; n < 101; n += 1) holds.isNews(String(n), 1e6, 0);
  expect([holds.isNews('100', 1e6, 0), holds.isNews('1', 1e6, 0), holds.isNews('0', 1e6, 0)]).toEqual([false, false, true]);
});
