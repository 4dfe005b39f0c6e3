import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Outage } from '../../src/runtime/outage.state.ts';

describe('an outage', () => {
  it('is asked about after 0.25, 0.5, 1, 2, 2 … s', () => {
    const outage = new Outage(120_000);
    expect([0, 250, 750, 1_750, 3_750].map((nowMs) => outage.failed(nowMs)?.retryInMs)).toEqual([250, 500, 1_000, 2_000, 2_000]);
  });

  it('counts from when it was asked, where there was no answer', () => {
    const outage = new Outage(10_000);
    expect(outage.silent(3_000, 1_000)).toBe(8_000);
    expect(outage.failed(5_000)).toEqual({ retryInMs: 250, leftMs: 6_000 });
    expect(outage.leftMs(11_500, 11_400)).toBe(0);
  });

  it('without patience is told at the first failure', () => {
    expect(new Outage(0).failed(7)).toBeUndefined();
  });

  it('ends with the patience, not before and not later, however the asking goes', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 300_000 }),
        fc.array(fc.integer({ min: 0, max: 20_000 }), { maxLength: 400 }),
        (patienceMs, tookMs) => {
          const outage = new Outage(patienceMs);
          let nowMs = 1_000;
          for (const took of tookMs) {
            const next = outage.failed(nowMs);
            if (next === undefined) {
              expect(nowMs - 1_000).toBeGreaterThanOrEqual(patienceMs);
              return;
            }
            expect(next.leftMs).toBe(patienceMs - (nowMs - 1_000));
            expect(next.retryInMs).toBeLessThanOrEqual(next.leftMs);
            nowMs += next.retryInMs + took;
          }
        },
      ),
    );
  });
});
