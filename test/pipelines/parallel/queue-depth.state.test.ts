import { describe, expect, it } from 'vitest';
import { QueueDepth } from '../../../pipelines/parallel/queue-depth.state.ts';

/** Ends so many tasks a second, for so long. */
function after(depth: QueueDepth, fromMs: number, perSecond: number, forMs: number): number {
  for (let n = 1; n <= (forMs / 1_000) * perSecond; n += 1) depth.ended(fromMs + (n * 1_000) / perSecond);
  return depth.limit;
}

describe('the depth of the queue', () => {
  it('is what ends within a second, within its bounds', () => {
    const depth = new QueueDepth({ least: 64, most: 1_000 });
    expect(depth.limit).toBe(64);
    expect(after(depth, 0, 500, 1_000)).toBeGreaterThan(450);
    expect(after(depth, 1_000, 500, 1_000)).toBeLessThan(550);
    expect(after(depth, 2_000, 5_000, 1_000)).toBe(1_000);
    expect(after(depth, 3_000, 10, 2_000)).toBe(64);
  });

  it('is never more than the most, though the least were', () => {
    expect(new QueueDepth({ least: 64, most: 8 }).limit).toBe(8);
  });

  it('a few that end at the same time are no rate: it looks at a quarter of a second', () => {
    const depth = new QueueDepth({ least: 1, most: 1_000 });
    for (const atMs of [0, 1, 2, 249]) depth.ended(atMs);
    expect(depth.limit).toBe(1);
    depth.ended(250);
    expect(depth.limit).toBe(20); // 5 in a quarter of a second
  });

  it('a pause is no rate of its own', () => {
    const depth = new QueueDepth({ least: 1, most: 1_000 });
    after(depth, 0, 400, 1_000);
    depth.ended(61_000);
    expect(depth.limit).toBeLessThan(5); // few ends in a minute
    expect(after(depth, 61_000, 400, 1_000)).toBeGreaterThan(300);
  });
});
