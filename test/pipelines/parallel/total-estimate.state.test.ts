import { describe, expect, it } from 'vitest';
import { TotalEstimate } from '../../../pipelines/parallel/total-estimate.state.ts';

describe('how many tasks a file has', () => {
  it('is guessed by its bytes, never below what was seen, and known at its end', () => {
    const estimate = new TotalEstimate(1_000);
    expect([estimate.total, estimate.isGuess]).toEqual([undefined, true]);
    estimate.line(10);
    expect(estimate.total).toBe(100);
    estimate.line(90);
    expect(estimate.total).toBe(20);
    estimate.line(50);
    expect(estimate.total).toBe(20);
    estimate.line(5);
    expect(estimate.total).toBe(26); // 4 lines in 155 bytes: 25.8
    for (let n = 0; n < 28; n += 1) estimate.line(40); // the file grew
    expect(estimate.total).toBe(32);
    estimate.over();
    expect([estimate.total, estimate.isGuess]).toEqual([32, false]);
  });

  it('is not known of what has no size, but at its end', () => {
    const estimate = new TotalEstimate(undefined);
    estimate.line(10);
    expect([estimate.total, estimate.isGuess]).toEqual([undefined, false]);
    estimate.over();
    expect(estimate.total).toBe(1);
  });
});
