import { describe, expect, it } from 'vitest';
import { PeakEwma } from '../../../src/inference/route/peak-ewma.state.ts';

describe('PeakEwma', () => {
  it('follows a peak at once, and quick calls slowly', () => {
    const mean = new PeakEwma();
    mean.observe(100, 0);
    expect(mean.value(0)).toBe(100);
    mean.observe(5_000, 0);
    expect(mean.value(0)).toBe(5_000);
    mean.observe(100, 1_000);
    expect(mean.value(1_000)).toBeCloseTo(5_000 * Math.exp(-1 / 30) + 100 * (1 - Math.exp(-1 / 30)));
  });

  it('falls to nothing without calls', () => {
    const mean = new PeakEwma();
    expect(mean.value(0)).toBe(0);
    mean.observe(1_000, 0);
    expect(mean.value(30_000)).toBeCloseTo(1_000 / Math.E);
    expect(mean.value(600_000)).toBeLessThan(0.01);
  });

  it('does not go back with a clock that is behind', () => {
    const mean = new PeakEwma();
    mean.observe(1_000, 50_000);
    mean.observe(1_000, 10_000);
    expect(mean.value(50_000)).toBe(1_000);
  });
});
