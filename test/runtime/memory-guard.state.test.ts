import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemoryGuardState } from '../../src/runtime/memory-guard.state.ts';

const limits = { rss: { soft: 100, hard: 200 }, heap: { soft: 50, hard: 60 } };

/** Decisions for looks a second apart. */
const decisions = (...used: readonly (readonly [rss: number, heap: number])[]) => {
  const state = new MemoryGuardState(limits);
  return used.map(([rss, heap], i) => state.look({ rss, heap }, i * 1_000));
};
const sharesOf = (...used: readonly (readonly [rss: number, heap: number])[]) => decisions(...used).map(({ share }) => share);

describe('MemoryGuardState', () => {
  it('does nothing below both soft limits', () => {
    expect(decisions([99, 49])).toEqual([{ share: 1, shed: false, collect: false, why: undefined }]);
  });

  it('first lets go of what is only there to be faster; then takes less, the nearer to the hard limit the less; then nothing', () => {
    expect(sharesOf([100, 0], [150, 0], [175, 0], [200, 0], [500, 0])).toEqual([1, 0.5, 0.25, 0, 0]);
  });

  it('stops at once above a hard limit', () => {
    expect(decisions([0, 60])[0]).toMatchObject({ share: 0, shed: true, collect: true });
  });

  it('goes by the worse of the two, and names it with its limit', () => {
    expect(decisions([110, 55], [110, 55]).at(-1)).toMatchObject({
      share: 0.5,
      why: expect.stringContaining("JavaScript's heap is above its soft limit") as unknown,
    });
    expect(decisions([250, 55]).at(-1)?.why).toBe(
      'the memory of the process (RSS) is above its hard limit of 0 MiB: nothing more is taken until it falls',
    );
  });

  it('opens again by itself, step by step', () => {
    expect(sharesOf([200, 0], [99, 0], [99, 0], [99, 0], [99, 0], [99, 0])).toEqual([0, 0.25, 0.5, 0.75, 1, 1]);
  });

  it('has caches dropped at each look, and asks for a collection at once and then every 10 s at most', () => {
    const above = Array.from({ length: 21 }, () => [150, 0] as const);
    expect(decisions(...above).flatMap(({ collect }, i) => (collect ? [i] : []))).toEqual([0, 10, 20]);
    expect(decisions(...above).every(({ shed }) => shed)).toBe(true);
  });

  it('never takes anything above a hard limit, everything below the soft ones in the end, and rises by a quarter at most', () => {
    const use = fc.record({ rss: fc.nat(300), heap: fc.nat(80) });
    fc.assert(
      fc.property(fc.array(use, { maxLength: 40 }), (uses) => {
        const state = new MemoryGuardState(limits);
        let before = 1;
        uses.forEach((used, i) => {
          const { share, why } = state.look(used, i * 1_000);
          const isHard = used.rss >= 200 || used.heap >= 60;
          expect(share).toBeGreaterThanOrEqual(0);
          expect(share).toBeLessThanOrEqual(Math.min(1, before + 0.25));
          expect(share === 0).toBe(isHard);
          expect(why !== undefined).toBe(used.rss >= 100 || used.heap >= 50);
          before = share;
        });
        for (let i = 0; i < 4; i += 1) before = state.look({ rss: 0, heap: 0 }, (uses.length + i) * 1_000).share;
        expect(before).toBe(1);
      }),
    );
  });
});
