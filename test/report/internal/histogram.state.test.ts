import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Histogram } from '../../../src/report/internal/histogram.state.ts';

const values = fc.array(fc.oneof(fc.double({ min: 0.001, max: 1e12, noNaN: true }), fc.constant(0), fc.integer({ min: 1, max: 100 })), {
  minLength: 1,
  maxLength: 300,
});
const exact = (all: readonly number[], share: number): number => {
  const sorted = all.toSorted((a, b) => a - b);
  return sorted[Math.max(1, Math.ceil(share * sorted.length)) - 1] ?? 0;
};
const counted = (all: readonly number[]): Histogram => {
  const histogram = new Histogram();
  for (const value of all) histogram.add(value);
  return histogram;
};

it('tells quantiles within 1 %, and count, mean, last and greatest as they are', () => {
  fc.assert(
    fc.property(values, (all) => {
      const told = counted(all).distribution();
      if (!told) throw new Error('nothing was counted');
      for (const [name, share] of [
        ['p50', 0.5],
        ['p95', 0.95],
        ['p99', 0.99],
      ] as const)
        expect(Math.abs(told[name] - exact(all, share))).toBeLessThanOrEqual(0.01 * exact(all, share));
      expect([told.count, told.last, told.max]).toEqual([all.length, all.at(-1), Math.max(...all)]);
      expect(told.mean).toBeCloseTo(all.reduce((sum, value) => sum + value, 0) / all.length, -6);
    }),
  );
});

it('is the same whether values are counted in one or in two that are put together', () => {
  fc.assert(
    fc.property(values, values, (first, second) => {
      const both = counted(first);
      both.merge(counted(second));
      const whole = counted([...first, ...second]).distribution();
      expect({ ...both.distribution(), mean: 0 }).toEqual({ ...whole, mean: 0 });
    }),
  );
});

it('counts no more than values can be: what is none is left out, what is below 0 is 0, what is huge is one step', () => {
  const histogram = counted([Number.NaN, Infinity, -5, 1e300]);
  expect(histogram.distribution()).toMatchObject({ count: 2, p50: 0, max: 1e300 });
  expect(new Histogram().distribution()).toBeUndefined();
});
