import { describe, expect, it } from 'vitest';
import { type Sight, Standstills } from '../../../src/transport/kafka/standstill.state.ts';

const at = (offset: bigint, error?: string): Sight => ({ offset, end: 200n, error });

/** Notes the same every 100 ms, from one time to another. */
function noted(seen: Standstills, partition: string, sight: Sight, fromMs: number, toMs: number): void {
  for (let nowMs = fromMs; nowMs <= toMs; nowMs += 100) seen.note(partition, sight, nowMs);
}

describe('Standstills', () => {
  it('says after 10 s where nothing comes though the log goes on, and what to do', () => {
    const seen = new Standstills();
    noted(seen, 't/0', at(50n), 0, 9_900);
    expect(seen.why(9_900)).toBeUndefined();
    noted(seen, 't/0', at(50n), 10_000, 10_000);
    expect(seen.why(10_000)).toMatch(/^t\/0 cannot be read on at offset 50: the broker sends nothing.*reads end at 200.*reset-offsets/);
  });

  it('says what the broker says, of the partition that has stood for longest', () => {
    const seen = new Standstills();
    noted(seen, 't/1', at(7n), 500, 11_000);
    noted(seen, 't/0', at(50n, 'CORRUPT_MESSAGE'), 0, 11_000);
    expect(seen.why(11_000)).toMatch(/^t\/0 .*the broker says CORRUPT_MESSAGE/);
  });

  it.each<[string, (seen: Standstills) => void]>([
    ['something came', (seen) => seen.note('t/0', undefined, 5_000)],
    ['it has moved on', (seen) => seen.note('t/0', at(51n), 5_000)],
  ])('begins anew when %s', (_what, happens) => {
    const seen = new Standstills();
    noted(seen, 't/0', at(50n), 0, 4_900);
    happens(seen);
    noted(seen, 't/0', at(50n), 5_100, 15_000);
    expect(seen.why(15_000)).toBeUndefined();
  });

  it('says nothing of a partition that was not asked for lately, and counts such a time for nothing', () => {
    const seen = new Standstills();
    noted(seen, 't/0', at(50n), 0, 11_000);
    expect(seen.why(13_100)).toBeUndefined();
    noted(seen, 't/0', at(50n), 13_200, 20_000);
    expect(seen.why(20_000)).toBeUndefined();
  });
});
