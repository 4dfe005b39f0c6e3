import { beforeAll, describe, expect, it } from 'vitest';
import { checkHistory } from '../../src/simulation/check-history.ts';
import type { Event } from '../../src/simulation/history.ts';
import { randomFrom } from '../../src/simulation/random.ts';
import { plants, retold } from './plant-faults.ts';
import { runSeed } from './subject.ts';

const times = 1_000;
const longest = 250; // short runs are as good for this, and quicker

describe('the checker', () => {
  const clean: (readonly Event[])[] = [];

  beforeAll(async () => {
    for (let seed = 1; clean.length < 40; seed += 1) {
      const history = await runSeed(seed);
      if (history.length < longest) clean.push(history);
    }
  }, 60_000);

  const historyOf = (n: number): readonly Event[] => retold(clean[n % clean.length] ?? [], randomFrom(n, 'retold'));

  it(`has nothing to say about ${String(times)} clean histories`, () => {
    for (let n = 0; n < times; n += 1) expect(checkHistory(historyOf(n)), `history ${String(n)}`).toEqual([]);
  });

  it.each(Object.entries(plants))(`finds %s ${String(times)} times of ${String(times)}, and names the record`, (kind, plant) => {
    let planted = 0;
    for (let n = 0; planted < times; n += 1) {
      expect(n, 'too few histories have a place for it').toBeLessThan(times * 20);
      const fault = plant(historyOf(n), randomFrom(n, kind));
      if (!fault) continue;
      planted += 1;
      const { history, record } = fault;
      const found = checkHistory(history).filter((problem) => problem.kind === kind);
      if (!found.some((problem) => problem.record === record))
        expect(found, `history ${String(n)}, record ${String(record)}`).toBe('found');
    }
  });
});
