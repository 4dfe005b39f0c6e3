import { describe, expect, it } from 'vitest';
import { Rate } from '../../src/flow/rate.state.ts';

describe('Rate', () => {
  it.each([1, 3, 10, 1_000])('lets %i per second through, and a fifth of it at once', (perSecond) => {
    const rate = new Rate(perSecond);
    expect(rate.atOnce).toBe(Math.max(1, Math.floor(perSecond / 5)));
    let [nowMs, went] = [0, 0];
    while (nowMs < 10_000) {
      went += rate.atOnce;
      rate.went(rate.atOnce, nowMs);
      nowMs += rate.waitMs(nowMs);
    }
    expect(went).toBe(perSecond * 10);
  });

  it('does not make up for time in which nothing came', () => {
    const rate = new Rate(10);
    rate.went(2, 60_000);
    expect(rate.waitMs(60_000)).toBe(200);
  });
});
