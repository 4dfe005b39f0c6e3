import { describe, expect, it } from 'vitest';
import { Isolation } from '../../src/flow/isolation.state.ts';

const caught = (...suspects: readonly string[]) => ({ suspects, isCaught: true, nowMs: 0 });
const unseen = (nowMs: number, ...suspects: readonly string[]) => ({ suspects, isCaught: false, nowMs });
const restarts = { restartInMs: 0, trialMs: 0, culprit: undefined, hopeless: false };

describe('Isolation', () => {
  it('runs the suspects one at a time, in order, and lets go of each that comes through', () => {
    const isolation = new Isolation<string>();
    expect(isolation.ended(unseen(0, 'a', 'b', 'c'))).toEqual(restarts);
    expect([isolation.next(0), isolation.next(0)]).toEqual(['a', undefined]);
    isolation.through('a');
    expect(isolation.next(0)).toBe('b');
    isolation.through('b');
    expect([isolation.next(0), isolation.active]).toEqual(['c', true]);
    isolation.through('c');
    expect([isolation.next(0), isolation.active]).toEqual([undefined, false]);
  });

  it('names the record that is caught at it alone, and keeps the other suspects', () => {
    const isolation = new Isolation<string>();
    isolation.ended(caught('a', 'b', 'c'));
    isolation.next(0);
    expect(isolation.ended(caught('a'))).toEqual({ ...restarts, culprit: 'a' });
    expect(isolation.next(0)).toBe('b');
  });

  it('blames no record for the first end, not even one that was alone', () => {
    const isolation = new Isolation<string>();
    expect(isolation.ended(caught('a')).culprit).toBeUndefined();
    isolation.next(0);
    expect(isolation.ended(caught('a')).culprit).toBe('a');
  });

  it('lets a record that ended the stream behind others go first, before it is blamed', () => {
    const isolation = new Isolation<string>();
    isolation.ended(caught('a', 'b', 'c'));
    isolation.next(0);
    isolation.through('a');
    isolation.next(0);
    expect(isolation.ended(caught('b'))).toEqual(restarts);
    expect(isolation.next(0)).toBe('b');
    expect(isolation.ended(caught('b')).culprit).toBe('b');
    expect(isolation.next(0)).toBe('c');
  });

  describe('a record that was alone, and not being emitted when the stream ended', () => {
    const onTrial = (): Isolation<string> => {
      const isolation = new Isolation<string>();
      isolation.ended(unseen(0, 'a', 'b'));
      isolation.next(1_000);
      expect(isolation.ended(unseen(1_400, 'a'))).toEqual({ ...restarts, trialMs: 800 });
      expect([isolation.next(1_400), isolation.active]).toEqual([undefined, true]);
      return isolation;
    };

    it('is blamed when the stream goes well without records, and ends with it again', () => {
      const isolation = onTrial();
      isolation.trialPassed();
      expect(isolation.next(2_200)).toBe('a');
      expect(isolation.ended(unseen(2_600, 'a'))).toEqual({ ...restarts, culprit: 'a' });
      expect(isolation.next(2_600)).toBe('b');
    });

    it('is not blamed when it comes through the next time', () => {
      const isolation = onTrial();
      isolation.trialPassed();
      isolation.next(2_200);
      isolation.through('a');
      expect(isolation.next(2_300)).toBe('b');
      expect(isolation.ended(unseen(2_700, 'b')).culprit).toBeUndefined();
    });

    it('is not blamed when the stream ends without any record: that is counted, and hopeless at five', () => {
      const isolation = onTrial();
      const ends = [1, 2, 3, 4, 5].map(() => isolation.ended(unseen(1_700)));
      expect(ends.map(({ culprit, trialMs, hopeless }) => [culprit, trialMs > 0, hopeless])).toEqual([
        ...Array.from({ length: 4 }, () => [undefined, true, false]),
        [undefined, true, true],
      ]);
    });

    it('leaves the trial with its partition', () => {
      const isolation = onTrial();
      isolation.forget((item) => item === 'a');
      expect(isolation.next(1_400)).toBe('b');
    });
  });

  it('tries a stream no shorter than 100 ms and no longer than 30 s', () => {
    for (const [ranMs, trialMs] of [
      [0, 100],
      [49, 100],
      [51, 102],
      [60_000, 30_000],
    ] as const) {
      const isolation = new Isolation<string>();
      isolation.ended(unseen(0, 'a'));
      isolation.next(0);
      expect(isolation.ended(unseen(ranMs, 'a')).trialMs).toBe(trialMs);
    }
  });

  it('waits longer and longer while the stream ends without a record, and gives up at five', () => {
    const isolation = new Isolation<string>();
    const ends = [1, 2, 3, 4, 5].map(() => isolation.ended(unseen(0)));
    expect(ends.map(({ restartInMs }) => restartInMs)).toEqual([100, 200, 400, 800, 1_600]);
    expect(ends.map(({ hopeless }) => hopeless)).toEqual([false, false, false, false, true]);
  });

  it('has patience again after a record came through', () => {
    const isolation = new Isolation<string>();
    for (let i = 0; i < 4; i += 1) isolation.ended(unseen(0));
    isolation.through('a');
    expect(isolation.ended(unseen(0))).toMatchObject({ restartInMs: 100, hopeless: false });
  });

  it('forgets suspects whose partitions have gone, the one that runs too', () => {
    const isolation = new Isolation<string>();
    isolation.ended(caught('a', 'b', 'c'));
    isolation.next(0);
    isolation.forget((item) => item === 'a' || item === 'c');
    expect(isolation.next(0)).toBe('b');
    isolation.through('b');
    expect(isolation.active).toBe(false);
  });
});
