import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judge, type Load, loadOf, Pace, type Stored } from '../../src/flow/transaction.state.ts';

const stored = (offset: number, metadata = ''): Stored => ({ offset: BigInt(offset), metadata });

describe('what became of a transaction', () => {
  it.each([
    { found: stored(9), before: stored(5), meant: stored(9), is: 'committed' },
    { found: stored(5, '1b'), before: stored(5), meant: stored(5, '1b'), is: 'committed' },
    { found: stored(5), before: stored(5), meant: stored(9), is: 'aborted' },
    { found: undefined, before: undefined, meant: stored(9), is: 'aborted' },
    { found: stored(5), before: stored(5), meant: undefined, is: 'aborted' },
    { found: stored(9), before: stored(5), meant: undefined, is: 'usurped' },
    { found: stored(7), before: stored(5), meant: stored(9), is: 'usurped' },
    { found: undefined, before: stored(5), meant: stored(9), is: 'usurped' },
  ])('$is: found $found, was $before, meant $meant', ({ found, before, meant, is }) => {
    expect(judge(found, before, meant)).toBe(is);
  });
});

describe('what goes into the next transaction', () => {
  const loads = (...records: readonly number[]): Load[] => records.map((one) => ({ records: one, bytes: one * 10, isReady: true }));
  const caps = { maxRecords: 10, maxBytes: 1_000 };
  const always = (): boolean => true;

  it.each([
    { what: 'all, within the caps', waiting: loads(1, 2, 3), fits: always, count: 3 },
    { what: 'as many as the caps allow', waiting: loads(4, 4, 4), fits: always, count: 2 },
    { what: 'one alone above them', waiting: loads(50, 1), fits: always, count: 1 },
    {
      what: 'none behind one that is not ready',
      waiting: [...loads(1), { records: 1, bytes: 1, isReady: false }, ...loads(1)],
      fits: always,
      count: 1,
    },
    { what: 'fewer where the map is full', waiting: loads(1, 1, 1, 1), fits: (n: number) => n <= 2, count: 2 },
    { what: 'all of them where only that makes the map short', waiting: loads(6, 6, 6), fits: (n: number) => n === 3, count: 3 },
    { what: 'nothing where nothing fits', waiting: loads(1, 1), fits: () => false, count: 0 },
    { what: 'nothing of nothing', waiting: [], fits: always, count: 0 },
  ])('is $what', ({ waiting, fits, count }) => {
    expect(loadOf(waiting, caps, fits)).toBe(count);
  });
});

describe('Pace', () => {
  it('lets nobody wait for longer than the interval, and nobody who makes up the number', () => {
    const steps = fc.array(fc.record({ afterMs: fc.nat({ max: 300 }), records: fc.integer({ min: 1, max: 40 }) }), { maxLength: 100 });
    fc.assert(
      fc.property(steps, (all) => {
        const pace = new Pace(200, 50);
        let [nowMs, waiting, sinceMs] = [0, 0, 0];
        for (const { afterMs, records } of all) {
          nowMs += afterMs;
          const dueMs = pace.dueMs();
          if (dueMs !== undefined && dueMs <= nowMs) {
            pace.began(waiting, nowMs);
            waiting = 0;
          }
          if (waiting === 0) sinceMs = nowMs;
          waiting += records;
          pace.added(records, nowMs);
          expect(pace.waiting).toBe(waiting);
          expect(pace.dueMs()).toBe(waiting >= 50 ? sinceMs : sinceMs + 200);
        }
      }),
    );
  });

  it('knows of nothing that is due while nothing waits', () => {
    const pace = new Pace(200, 50);
    expect(pace.dueMs()).toBeUndefined();
    pace.added(60, 10);
    pace.began(55, 20);
    expect(pace.dueMs()).toBe(220); // what is left has come since
    pace.began(5, 30);
    expect(pace.dueMs()).toBeUndefined();
  });
});
