import { describe, expect, it } from 'vitest';
import { LatencyWindow } from '../../../src/policies/internal/latency-window.state.ts';

const windowOf = (samples: readonly number[]): LatencyWindow => {
  const window = new LatencyWindow();
  for (const ms of samples) window.add(ms, 0);
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
    expect(windowOf(samples).isTelling(least, 1_000)).toBe(telling);
  });

  it('goes on past 400 where calls come fast, and is content with less where that will do', () => {
    const scattered = Array.from({ length: 1_599 }, (_, n) => (n % 6 < 2 ? 0 : n % 6 < 4 ? 10 : 40));
    expect(windowOf(scattered).isTelling(25, 999)).toBe(false);
    expect(windowOf([...scattered, 0]).isTelling(25, 999)).toBe(true);
    expect(windowOf(scattered.slice(0, 63)).isTelling(25, 0, 64)).toBe(false);
    expect(windowOf(scattered.slice(0, 64)).isTelling(25, 0, 64)).toBe(true);
  });

  it('takes a few slow ones for four times the median, and a queue for what it is', () => {
    expect(windowOf([10, 10, 10, 10, 1_000]).typicalMs()).toBe(16);
    expect(windowOf([10, 10, 10, 30]).typicalMs()).toBe(15);
  });

  it('takes no time for a little', () => {
    expect(windowOf([0]).typicalMs()).toBeGreaterThan(0);
  });
});
