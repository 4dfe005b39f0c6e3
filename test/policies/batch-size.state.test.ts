import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BatchSize, type BatchSizeRules } from '../../src/policies/batch-size.state.ts';

/** A full batch under the present limit, whose call takes so long. */
const full = (state: BatchSize, latencyMs: number, completed = true): void => {
  const { limit, generation } = state;
  state.took({ size: limit, limit, generation, latencyMs, completed });
};

const sized = (rules: Partial<BatchSizeRules> = {}) => new BatchSize({ targetLatencyMs: 100, min: 1, max: 1_000, ...rules });

describe('BatchSize', () => {
  it('doubles until a call takes longer than the target, then creeps', () => {
    const state = sized();
    const seen = [10, 20, 40, 80, 120, 80, 80].map((latencyMs) => {
      full(state, latencyMs);
      return state.limit;
    });
    expect(seen).toEqual([2, 4, 8, 16, 13, 14, 15]);
  });

  it.each([
    { rule: 'shrinks by a tenth', latencyMs: 101, limit: 90 },
    { rule: 'shrinks by as much as it was too long', latencyMs: 125, limit: 80 },
    { rule: 'shrinks by a half at most', latencyMs: 900, limit: 50 },
    { rule: 'stays just below the target', latencyMs: 96, limit: 100 },
    { rule: 'stays at the target', latencyMs: 100, limit: 100 },
    { rule: 'grows at 95 % of it', latencyMs: 95, limit: 200 },
  ])('$rule for a call of $latencyMs ms', ({ latencyMs, limit }) => {
    const state = sized({ min: 1 });
    const from = new BatchSize({ targetLatencyMs: 100, min: 100, max: 1_000 });
    full(from, latencyMs);
    expect(Math.max(from.limit, latencyMs > 100 ? limit : 0)).toBe(Math.max(limit, 100));
    while (state.limit < 64) full(state, 1);
    const before = state.limit;
    full(state, latencyMs);
    expect(state.limit).toBe(Math.floor((before * limit) / 100));
  });

  it('grows by 1 % where that is more than one', () => {
    const state = sized({ min: 1 });
    while (state.limit < 512) full(state, 1);
    full(state, 101);
    full(state, 1);
    expect(state.limit).toBe(465); // 460 and 5
  });

  it.each([
    { rule: 'is not full', sample: { size: 3 } },
    { rule: 'failed', sample: { completed: false } },
    { rule: 'left under an older limit', sample: { generation: -1 } },
    { rule: 'left under an older limit, too long', sample: { generation: -1, latencyMs: 500 } },
    { rule: 'was larger than allowed and took too long', sample: { size: 5, latencyMs: 500 } },
  ])('learns nothing from a batch that $rule', ({ sample }) => {
    const state = sized({ min: 4 });
    state.took({ size: 4, limit: 4, generation: 0, latencyMs: 1, completed: true, ...sample });
    expect([state.limit, state.generation]).toEqual([4, 0]);
  });

  it('takes a failure after the target for too long, and one of few members, too', () => {
    const state = sized({ min: 1 });
    while (state.limit < 64) full(state, 1);
    full(state, 150, false);
    expect(state.limit).toBe(42);
    state.took({ size: 1, limit: 42, generation: state.generation, latencyMs: 150, completed: true });
    expect(state.limit).toBe(28);
  });

  it('never leaves its bounds, and one call alone moves it at a time', () => {
    const sample = fc.record({
      size: fc.integer({ min: 1, max: 2_000 }),
      latencyMs: fc.double({ min: 0, max: 1_000, noNaN: true }),
      completed: fc.boolean(),
      inFlight: fc.integer({ min: 1, max: 5 }),
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 50, max: 2_000 }), fc.array(sample), (min, max, samples) => {
        const state = sized({ min, max });
        for (const { inFlight, ...one } of samples) {
          const { limit, generation } = state;
          for (let i = 0; i < inFlight; i += 1) state.took({ ...one, limit, generation });
          expect(state.limit).toBeGreaterThanOrEqual(min);
          expect(state.limit).toBeLessThanOrEqual(max);
          expect(state.generation - generation).toBeLessThanOrEqual(1);
        }
      }),
    );
  });

  it('finds what the target allows for any service that takes a + b * n, and rarely oversteps it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 50 }), fc.double({ min: 0.02, max: 40, noNaN: true }), (fixedMs, eachMs) => {
        const state = sized({ max: 10_000 });
        let over = 0;
        for (let i = 0; i < 400; i += 1) {
          const latencyMs = fixedMs + eachMs * state.limit;
          if (i >= 100 && latencyMs > 100) over += 1;
          full(state, latencyMs);
        }
        const best = Math.max(1, Math.floor((100 - fixedMs) / eachMs));
        expect(state.limit).toBeLessThanOrEqual(Math.ceil(best * 1.01) + 1);
        expect(state.limit).toBeGreaterThanOrEqual(Math.floor((95 - fixedMs) / eachMs) * 0.85 - 1);
        expect(over).toBeLessThanOrEqual(300 / 20);
      }),
    );
  });

  it('follows a service that becomes slower, and faster again', () => {
    const state = sized();
    const settle = (eachMs: number): number => {
      for (let i = 0; i < 200; i += 1) full(state, 10 + eachMs * state.limit);
      return state.limit;
    };
    expect([settle(1), settle(4), settle(1)]).toEqual([86, 22, 86]);
  });
});
