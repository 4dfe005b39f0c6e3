import { describe, expect, it } from 'vitest';
import { Isolation } from '../../src/flow/isolation.state.ts';

describe('Isolation', () => {
  it('runs the suspects one at a time, in order, and lets go of each that comes through', () => {
    const isolation = new Isolation<string>();
    expect(isolation.ended(['a', 'b', 'c'])).toEqual({ restartInMs: 0, culprit: undefined, hopeless: false });
    expect([isolation.next(), isolation.next()]).toEqual(['a', undefined]);
    isolation.through('a');
    expect(isolation.next()).toBe('b');
    isolation.through('b');
    expect([isolation.next(), isolation.active]).toEqual(['c', true]);
    isolation.through('c');
    expect([isolation.next(), isolation.active]).toEqual([undefined, false]);
  });

  it('names the record that ends the stream again alone, and keeps the other suspects', () => {
    const isolation = new Isolation<string>();
    isolation.ended(['a', 'b', 'c']);
    isolation.next();
    expect(isolation.ended(['a'])).toEqual({ restartInMs: 0, culprit: 'a', hopeless: false });
    expect(isolation.next()).toBe('b');
  });

  it('blames no record for the first end, not even one that was alone', () => {
    const isolation = new Isolation<string>();
    expect(isolation.ended(['a']).culprit).toBeUndefined();
    isolation.next();
    expect(isolation.ended(['a']).culprit).toBe('a');
  });

  it('lets a record that ended the stream behind others go first, before it is blamed', () => {
    const isolation = new Isolation<string>();
    isolation.ended(['a', 'b', 'c']);
    isolation.next();
    isolation.through('a');
    isolation.next();
    expect(isolation.ended(['b'])).toEqual({ restartInMs: 0, culprit: undefined, hopeless: false });
    expect(isolation.next()).toBe('b');
    expect(isolation.ended(['b']).culprit).toBe('b');
    expect(isolation.next()).toBe('c');
  });

  it('waits longer and longer while the stream ends without a record, and gives up at five', () => {
    const isolation = new Isolation<string>();
    const ends = [1, 2, 3, 4, 5].map(() => isolation.ended([]));
    expect(ends.map(({ restartInMs }) => restartInMs)).toEqual([100, 200, 400, 800, 1_600]);
    expect(ends.map(({ hopeless }) => hopeless)).toEqual([false, false, false, false, true]);
  });

  it('has patience again after a record came through', () => {
    const isolation = new Isolation<string>();
    for (let i = 0; i < 4; i += 1) isolation.ended([]);
    isolation.through('a');
    expect(isolation.ended([])).toMatchObject({ restartInMs: 100, hopeless: false });
  });

  it('forgets suspects whose partitions have gone, the one that runs too', () => {
    const isolation = new Isolation<string>();
    isolation.ended(['a', 'b', 'c']);
    isolation.next();
    isolation.forget((item) => item === 'a' || item === 'c');
    expect(isolation.next()).toBe('b');
    isolation.through('b');
    expect(isolation.active).toBe(false);
  });
});
