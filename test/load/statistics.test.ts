import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Arrivals } from '../../src/load/arrivals.state.ts';
import { binOf, PeakRate } from '../../src/load/peak-rate.state.ts';
import { Thinned } from '../../src/load/thinned.state.ts';
import { seededRandom } from '../../src/inference/scripted/seeded-random.ts';

describe('arrivals', () => {
  const times = (seed: number, count: number): number[] => {
    const arrivals = new Arrivals(10, seededRandom(seed));
    return Array.from({ length: count }, () => arrivals.next());
  };

  it('come at the same times by the same seed, and at others by another', () => {
    expect(times(1, 50)).toEqual(times(1, 50));
    expect(times(1, 50)).not.toEqual(times(2, 50));
  });

  it('wait as a Poisson process does: mean and deviation 100 ms at 10/s, and 36.8 % above the mean', () => {
    const all = times(7, 20_000);
    const waits = all.map((time, index) => time - (all[index - 1] ?? 0));
    const mean = waits.reduce((sum, wait) => sum + wait, 0) / waits.length;
    const deviation = Math.sqrt(waits.reduce((sum, wait) => sum + (wait - mean) ** 2, 0) / waits.length);
    expect(mean).toBeCloseTo(100, -0.7);
    expect(deviation / mean).toBeCloseTo(1, 1.3);
    expect(waits.filter((wait) => wait > mean).length / waits.length).toBeCloseTo(Math.exp(-1), 1.7);
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(0);
  });

  it('bear a chance of exactly 0', () => {
    const arrivals = new Arrivals(10, () => 0);
    expect([arrivals.next(), arrivals.next()]).toEqual([0, 0]);
  });
});

describe('the best second', () => {
  const marks = (...times: readonly number[]): Map<number, number> => {
    const found = new Map<number, number>();
    for (const time of times) found.set(binOf(time), (found.get(binOf(time)) ?? 0) + 1);
    return found;
  };

  it.each<[string, readonly number[], number]>([
    ['nothing', [], 0],
    ['one', [50], 1],
    ['three in a second across its border', [950, 1_000, 1_049], 3],
    ['two that are a second apart', [0, 1_000], 1],
    ['two that are less apart', [0, 999], 2],
    ['the last stretch of all', [0, 5_000, 5_010], 2],
  ])('of %s', (_, times, expected) => {
    const peak = new PeakRate(10_000);
    peak.add(marks(...times), 5_100);
    expect(peak.peak()).toBe(expected);
  });

  it('counts tokens in proportion, where the usage says more than the chunks did', () => {
    const peak = new PeakRate(1_000);
    peak.add(marks(0, 100, 200), 300, 2);
    expect(peak.peak()).toBe(6);
  });

  it('is the same as the best of all windows of ten stretches, in whatever order tasks end', () => {
    const task = fc.record({ startMs: fc.nat(20_000), times: fc.array(fc.nat(3_000), { maxLength: 8 }) });
    fc.assert(
      fc.property(fc.array(task), (tasks) => {
        const ended = tasks
          .map(({ startMs, times }) => ({ endMs: startMs + 3_000, times: times.map((time) => startMs + time) }))
          .sort((a, b) => a.endMs - b.endMs);
        const peak = new PeakRate(3_000);
        const counts: number[] = Array.from({ length: 300 }, () => 0);
        for (const { endMs, times } of ended) {
          peak.add(marks(...times), endMs);
          for (const time of times) counts[binOf(time)] = (counts[binOf(time)] ?? 0) + 1;
        }
        const windows = counts.map((_, from) => counts.slice(from, from + 10).reduce((sum, one) => sum + one, 0));
        expect(peak.peak()).toBe(Math.max(...windows));
      }),
    );
  });
});

describe('thinned values', () => {
  it('are each second, fourth, eighth … in their order, and bounded', () => {
    const thinned = new Thinned(8);
    for (let n = 0; n < 100; n += 1) thinned.add(n);
    expect([thinned.values, thinned.stride]).toEqual([[0, 16, 32, 48, 64, 80, 96], 16]);
  });
});
