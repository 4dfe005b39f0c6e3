import { expect, it } from 'vitest';
import { lengthText, progressText } from '../../../src/report/internal/progress-text.state.ts';
import { RecentRate } from '../../../src/report/internal/recent-rate.state.ts';

it.each([
  [0, '0.0 s'],
  [9_940, '9.9 s'],
  [59_400, '59 s'],
  [245_000, '4 min 05 s'],
  [3_599_600, '1 h 00 min'],
  [7_620_000, '2 h 07 min'],
  [259_200_000, '3 days'],
])('%d ms are %s', (ms, text) => {
  expect(lengthText(ms)).toBe(text);
});

const progress = { elapsedMs: 60_000, doneBefore: 0, done: 0, failed: 0, rate: 0 };
it.each([
  [progress, '0 things · 0.0/s · 1 min 00 s so far'],
  [
    { ...progress, total: 1_000, done: 207, failed: 3, rate: 4.2, etaMs: 188_000 },
    '210 of 1,000 things · 3 failed · 4.2/s · 3 min 08 s left',
  ],
  [
    { ...progress, total: 10, doneBefore: 4, done: 1, rate: 0.05, etaMs: 100_000 },
    '5 of 10 things · 4 done before · 3.0/min · 1 min 40 s left',
  ],
  [{ ...progress, total: 10, done: 1, rate: 0.005 }, '1 of 10 things · 18.0/h · 1 min 00 s so far'],
  [{ ...progress, total: 10, done: 10, rate: 250, etaMs: 0 }, '10 of 10 things · 1 min 00 s so far'],
])('%j reads %s', (given, text) => {
  expect(progressText(given, 'things')).toBe(text);
});

it('tells the rate of the last 15 s, or of the last 60 items, and falls while nothing happens', () => {
  const fast = new RecentRate(0);
  for (let count = 1; count <= 4_000; count += 1) fast.add(count, count * 10); // 100 a second
  for (let count = 4_001; count <= 4_200; count += 1) fast.add(count, 40_000 + (count - 4_000) * 100); // 10 a second
  expect(fast.perSecond(4_200, 60_000)).toBeCloseTo(10, 0);
  const slow = new RecentRate(0);
  for (let count = 1; count <= 100; count += 1) slow.add(count, count * 60_000);
  expect(slow.perSecond(100, 6_000_000)).toBeCloseTo(1 / 60, 3);
  expect(slow.perSecond(100, 9_600_000)).toBeCloseTo(1 / 120, 3);
  expect(new RecentRate(5).perSecond(0, 5)).toBe(0);
});
