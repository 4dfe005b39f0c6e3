import { describe, expect, it } from 'vitest';
import { name, run, stretches, summary } from './capacity-drops.ts';

describe('an adaptive limit', () => {
  it('finds the knee of a server whose capacity drops from 32 to 8 and comes back', async () => {
    const { measured } = await run();
    expect([name, summary.length > 0, measured.length]).toEqual(['capacity-drops', true, 18]);
    expect(measured.filter(({ pass }) => !pass)).toEqual([]);
  });

  it('heeds Retry-After without standing still', async () => {
    for (const one of (await stretches([32, 8, 32], {}, { above: 'refuses', retryAfterMs: 1_000 })).slice(1)) {
      expect(one.settledMs).toBeLessThanOrEqual(5_000);
      expect(one.refusedShare).toBeLessThanOrEqual(0.02);
      expect(one.ofKnee).toBeGreaterThanOrEqual(0.9);
    }
  });

  it('keeps near the knee when one call in fifty is 20 times slower', async () => {
    let call = 0;
    const factor = (): number => ((call += 1) % 50 === 0 ? 20 : 1);
    const [one] = await stretches([32], {}, { above: 'queues', factor });
    const late = one?.limits.slice(100) ?? [];
    const mean = late.reduce((sum, limit) => sum + limit, 0) / late.length;
    expect(mean).toBeGreaterThan(20);
    expect(mean).toBeLessThan(45);
  });
});
