import fc from 'fast-check';
import { expect, it } from 'vitest';
import { TimeSeries } from '../../../src/report/internal/time-series.state.ts';

const counting = {
  make: (): { count: number } => ({ count: 0 }),
  merge: (into: { count: number }, later: { readonly count: number }): void => {
    into.count += later.count;
  },
};

it('keeps every event in the stretch that holds its time, in a bounded number of them', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 5_000_000 }), { maxLength: 100 }), fc.integer({ min: 2, max: 30 }), (times, most) => {
      const series = new TimeSeries(counting, 1_000, most);
      for (const time of times) series.at(time).count += 1;
      const until = Math.max(0, ...times);
      const buckets = series.buckets(until);
      expect(buckets.length).toBeLessThanOrEqual(most);
      for (const { fromMs, value } of buckets)
        expect(value.count).toBe(times.filter((time) => time >= fromMs && time < fromMs + series.widthMs).length);
      expect(buckets.reduce((sum, { value }) => sum + value.count, 0)).toBe(times.length);
    }),
  );
});

it('tells the quiet stretches, too, and grows coarser while nothing happens', () => {
  const series = new TimeSeries(counting, 1_000, 4);
  series.at(500).count += 1;
  expect(series.buckets(3_500).map(({ value }) => value.count)).toEqual([1, 0, 0, 0]);
  expect(series.buckets(4_000).map(({ fromMs, value }) => [fromMs, value.count])).toEqual([
    [0, 1],
    [2_000, 0],
    [4_000, 0],
  ]);
});
