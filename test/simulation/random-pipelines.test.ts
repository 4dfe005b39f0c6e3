import { describe, expect, it } from 'vitest';
import { checkHistory } from '../../src/simulation/check-history.ts';
import { runSeed } from './subject.ts';

// MILLRACE_SEED replays one run; MILLRACE_SEEDS=from-to runs more of them
const given = process.env['MILLRACE_SEEDS'] ?? process.env['MILLRACE_SEED'] ?? '1-300';
const [from = 1, to = from] = given.split('-').map(Number);

describe('a random pipeline among random faults', () => {
  it(`keeps every promise, seeds ${String(from)} to ${String(to)}`, async () => {
    for (let seed = from; seed <= to; seed += 1) {
      const problems = checkHistory(await runSeed(seed));
      expect(problems, `replay with MILLRACE_SEED=${String(seed)}`).toEqual([]);
    }
  }, 600_000);

  it('is the same run for the same seed', async () => {
    for (const seed of [1, 2, 3]) expect(await runSeed(seed)).toEqual(await runSeed(seed));
  });
});
