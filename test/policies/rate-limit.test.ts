import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rateLimit } from '../../src/policies/rate-limit.ts';
import { RateState } from '../../src/policies/rate-limit.state.ts';
import { virtualClock } from '../../src/testing.ts';

describe('RateState', () => {
  it('lets no more start in t ms than capacity and refill allow, none too soon after another, and none later than it must', () => {
    const rules = fc.record({
      capacity: fc.integer({ min: 1, max: 8 }),
      refillPerSecond: fc.constantFrom(1, 3, 10, 400),
      minIntervalMs: fc.constantFrom(0, 20, 500),
    });
    fc.assert(
      fc.property(rules, fc.array(fc.integer({ min: 0, max: 800 }), { maxLength: 60 }), (given, pauses) => {
        const state = new RateState(given);
        const starts: number[] = [];
        let nowMs = 0;
        for (const pause of pauses) {
          nowMs += pause > 400 ? pause - 400 : 0;
          nowMs = state.readyAtMs(nowMs);
          expect(state.readyAtMs(nowMs)).toBe(nowMs);
          state.take(nowMs);
          starts.push(nowMs);
        }
        for (const [i, first] of starts.entries()) {
          for (const [j, lastMs] of starts.slice(i).entries()) {
            expect(j + 1).toBeLessThanOrEqual(given.capacity + ((lastMs - first) * given.refillPerSecond) / 1000 + 1e-6);
          }
          const next = starts[i + 1];
          if (next !== undefined) expect(next - first).toBeGreaterThanOrEqual(given.minIntervalMs - 1e-9);
        }
        expect(state.free(nowMs + 1e9)).toBe(given.capacity);
      }),
      { numRuns: 500 },
    );
  });

  it('is 10 a second unless told otherwise', () => {
    const state = new RateState({ capacity: 10, refillPerSecond: 10, minIntervalMs: 0 });
    const starts = Array.from({ length: 13 }, () => {
      const atMs = state.readyAtMs(0);
      state.take(atMs);
      return atMs;
    });
    expect(starts).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 100, 200, 300]);
    expect(rateLimit()).toMatchObject({ capacity: 10, refillPerSecond: 10, minIntervalMs: 0 });
  });
});

describe('rateLimit', () => {
  it('is a resource of itself', async () => {
    const rate = rateLimit({ refillPerSecond: 0.5 });
    const opened = await rate.open({ clock: virtualClock(), signal: new AbortController().signal, log: () => undefined });
    expect([opened.value, rate.capacity]).toEqual([rate, 1]);
    await opened.close();
  });

  it.each<[object, string]>([
    [{ refillPerSecond: 0 }, 'rateLimit.refillPerSecond must be a number from 0.000001 to 1000000, got 0'],
    [{ capacity: 0 }, 'rateLimit.capacity must be an integer >= 1, got 0'],
    [{ minIntervalMs: -1 }, 'rateLimit.minIntervalMs must be a number >= 0, got -1'],
    [{ perSecond: 1 }, 'rateLimit has no option perSecond'],
  ])('refuses %j when it is called', (options, message) => {
    expect(() => rateLimit(options)).toThrow(message);
  });
});
