import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LastMinute } from '../../../src/policies/internal/last-minute.state.ts';

describe('LastMinute', () => {
  it('tells quantiles of the waits at most 20 % too high, never too low', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 1, max: 1e6, noNaN: true }), { minLength: 1 }),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        (waits, q) => {
          const recent = new LastMinute();
          for (const ms of waits) recent.waited(ms, 1000);
          const sorted = [...waits].sort((a, b) => a - b);
          const exact = sorted[Math.ceil(q * waits.length) - 1] ?? 0;
          expect(recent.waitMs(q, 1000)).toBeGreaterThanOrEqual(exact * 0.999_999);
          expect(recent.waitMs(q, 1000)).toBeLessThanOrEqual(exact * 1.200_001);
        },
      ),
    );
  });

  it('says 0 for calls that did not wait, and when there were none', () => {
    const recent = new LastMinute();
    expect(recent.waitMs(0.99, 0)).toBe(0);
    recent.waited(0, 0);
    recent.waited(0.5, 0);
    expect(recent.waitMs(0.99, 0)).toBe(0);
  });

  it('forgets what is older than a minute, and keeps what is younger than 50 s', () => {
    const recent = new LastMinute();
    recent.waited(500, 9_000);
    expect(recent.waitMs(0.5, 59_000)).toBeGreaterThan(499);
    expect(recent.waitMs(0.5, 69_001)).toBe(0);
    recent.waited(5, 69_001);
    expect(recent.waitMs(0.99, 69_001)).toBeLessThan(7);
  });

  it('averages what is used over time, across slices and idle stretches', () => {
    const recent = new LastMinute();
    recent.use(4, 0);
    recent.use(0, 15_000);
    expect(recent.meanUse(30_000)).toBe(2);
    recent.use(1, 1_000_000);
    expect(recent.meanUse(1_000_000)).toBe(0);
    expect(recent.meanUse(1_030_000)).toBe(30 / 50);
  });

  it('agrees with an average that remembers everything, while nothing is forgotten', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 1, max: 3_000 }), fc.nat(50)), { minLength: 1, maxLength: 15 }), (steps) => {
        const recent = new LastMinute();
        recent.use(0, 0);
        let [nowMs, used, area] = [0, 0, 0];
        for (const [ms, next] of steps) {
          area += used * ms;
          nowMs += ms;
          used = next;
          recent.use(next, nowMs);
        }
        expect(recent.meanUse(nowMs)).toBeCloseTo(area / nowMs, 6);
      }),
    );
  });
});
