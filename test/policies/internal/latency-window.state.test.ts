import { describe, expect, it } from 'vitest';
import { LatencyWindow } from '../../../src/policies/internal/latency-window.state.ts';

const windowOf = (samples: readonly number[]): LatencyWindow => {
  const window = new LatencyWindow();
  for (const ms of samples) window.add(ms);
  return window;
};

describe('LatencyWindow', () => {
  it.each([
    { samples: Array<number>(31).fill(10), least: 32, telling: false },
    { samples: Array<number>(32).fill(10), least: 32, telling: true },
    { samples: Array.from({ length: 64 }, (_, n) => (n % 2) * 20), least: 25, telling: false },
    { samples: Array.from({ length: 400 }, (_, n) => (n % 2) * 20), least: 25, telling: true },
    { samples: Array.from({ length: 400 }, (_, n) => (n % 2) * 20), least: 500, telling: false },
  ])('is telling with enough of it (case %#)', ({ samples, least, telling }) => {
    expect(windowOf(samples).isTelling(least)).toBe(telling);
  });

  it('takes a few slow ones for four times the median, and a queue for what it is', () => {
    expect(windowOf([10, 10, 10, 10, 1_000]).typicalMs()).toBe(16);
    expect(windowOf([10, 10, 10, 30]).typicalMs()).toBe(15);
  });

  it('takes no time for a little', () => {
    expect(windowOf([0]).typicalMs()).toBeGreaterThan(0);
  });
});
