import { describe, expect, it } from 'vitest';
import { ThroughputCurve } from '../../../src/policies/internal/throughput-curve.state.ts';

const curveOf = (points: Readonly<Record<number, number>>): ThroughputCurve => {
  const curve = new ThroughputCurve();
  for (const [level, rate] of Object.entries(points)) curve.put(Number(level), rate, 0, 0);
  return curve;
};

describe('ThroughputCurve', () => {
  it.each([
    { points: {}, knee: undefined },
    { points: { 8: 1 }, knee: { level: 8, lowest: 8, bracketed: false } },
    { points: { 8: 1, 16: 1.04 }, knee: { level: 8, lowest: 8, bracketed: false } },
    { points: { 8: 1, 16: 2 }, knee: { level: 16, lowest: 8, bracketed: true } },
    { points: { 10: 1, 20: 2, 40: 2 }, knee: { level: 19, lowest: 10, bracketed: true } },
    { points: { 10: 1, 20: 2, 40: 1 }, knee: { level: 19, lowest: 10, bracketed: true } },
  ])('finds the knee of $points', ({ points, knee }) => {
    expect(curveOf(points).knee(0.95, 0)).toEqual(knee);
  });

  it('expects what lies between what was measured, and nothing beyond', () => {
    const curve = curveOf({ 10: 1, 20: 2 });
    expect([5, 10, 15, 20, 25].map((level) => curve.at(level, 0))).toEqual([undefined, 1, 1.5, 2, undefined]);
  });

  it('forgets after 30 s', () => {
    const curve = curveOf({ 10: 1 });
    curve.put(20, 2, 0, 20_000);
    expect([curve.at(10, 29_999), curve.at(10, 30_000), curve.at(20, 30_000)]).toEqual([1, undefined, 2]);
  });

  it('averages what is alike, and takes what is not for something new', () => {
    const curve = curveOf({ 10: 1 });
    curve.put(10, 1.1, 0.05, 0);
    expect(curve.at(10, 0)).toBeCloseTo(1.05);
    curve.put(10, 2, 0.05, 0);
    expect(curve.at(10, 0)).toBe(2);
  });

  it('takes the best for a little less than it looks, where it is known roughly', () => {
    const curve = curveOf({ 10: 1, 20: 1.9 });
    curve.put(40, 2.02, 0.06, 0);
    expect(curve.knee(0.95, 0)?.level).toBe(19); // 22 otherwise
  });

  it('remembers four windows, where those are long, and forgets what lies lower when asked', () => {
    const curve = curveOf({ 10: 1, 20: 2 });
    curve.took(20_000);
    expect([curve.at(10, 79_999), curve.at(10, 80_000)]).toEqual([1, undefined]);
    curve.forgetBelow(20);
    expect([curve.at(10, 0), curve.at(20, 0)]).toEqual([undefined, 2]);
  });

  it('forgets a limit and all above, and holds 64 points', () => {
    const curve = curveOf({ 10: 1, 20: 2, 30: 3 });
    curve.forgetFrom(20);
    expect(curve.knee(0.95, 0)).toEqual({ level: 10, lowest: 10, bracketed: false });
    for (let level = 1; level <= 1_000; level += 1) curve.put(level, level, 0, 0);
    expect(curve.knee(0.01, 0)?.lowest).toBe(937);
  });
});
