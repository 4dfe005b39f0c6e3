import { describe, expect, it } from 'vitest';
import type { LoggedCall } from './call-log.ts';
import { calledAgain, callsOutOfOrder, type InputRecord, longestStandstill, outputsOutOfOrder, overlaps } from './checks.ts';
import { calledAfterCommit, commitsBack, committedUndone, type StoredCommit } from './commits.ts';

const record = (id: number, key = 'k', offset = id, partition = 0): InputRecord => ({ id, key, partition, offset });
const call = (id: number, startUs: number, endUs: number, more: Partial<LoggedCall> = {}): LoggedCall => ({
  id,
  who: 'a',
  startUs,
  endUs,
  end: 'done',
  ...more,
});
const commit = (offset: number, atMs: number, more: Partial<StoredCommit> = {}): StoredCommit => ({
  partition: 0,
  offset,
  metadata: '',
  atUs: atMs * 1_000,
  ...more,
});

describe('the checks of a group’s call logs', () => {
  it.each([
    ['in order', [call(1, 0, 5), call(2, 5, 9)], []],
    ['the next starts before the one before it is done', [call(1, 0, 5), call(2, 4, 9)], [2]],
    ['the one before it was tried in vain only', [call(1, 0, 5, { end: 'failed' }), call(2, 6, 9)], [2]],
    ['the one before it was never called', [call(2, 6, 9)], [2]],
    ['a run that is delivered again repeats', [call(1, 0, 5), call(2, 5, 9), call(1, 10, 12), call(2, 10, 12)], []],
    ['another key', [call(3, 0, 9), call(1, 0, 5), call(2, 5, 9)], []],
  ])('calls of one key: %s', (_case, calls, wrong) => {
    expect(callsOutOfOrder([record(1), record(2), record(3, 'other')], calls)).toEqual(wrong);
  });

  it.each([
    ['in order', [1, 3, 2], []],
    ['the second first', [2, 1], [2]],
    ['the first is not there', [2], [2]],
    ['a repetition', [1, 2, 1, 2], []],
    ['a repetition that skips is one of first occurrences all the same', [1, 2, 2, 1], []],
  ])('outputs of one key: %s', (_case, outputs, wrong) => {
    expect(outputsOutOfOrder([record(1), record(2), record(3, 'other')], outputs)).toEqual(wrong);
  });

  it.each([
    ['one after the other', [call(1, 0, 5), call(1, 5, 9, { who: 'b' })], []],
    ['at once', [call(1, 0, 5), call(1, 4, 9, { who: 'b' })], [false]],
    ['twice in one process', [call(1, 0, 5), call(1, 4, 9)], [false]],
    ['one that never ends', [call(1, 0, Number.POSITIVE_INFINITY, { end: 'open' }), call(1, 4, 9, { who: 'b' })], [false]],
    ['one that slept through its session', [call(1, 500, 9e6, { who: 's' }), call(1, 4e6, 5e6)], [true]],
    ['one that began before its stop took effect', [call(1, 1.1e6, 9e6, { who: 's' }), call(1, 4e6, 5e6)], [true]],
    ['one that ended before its stop took effect', [call(1, 500, 1.1e6, { who: 's' }), call(1, 1.05e6, 5e6)], [false]],
    ['one that woke up and began', [call(1, 8e6, 9e6, { who: 's' }), call(1, 8e6, 9e6)], [false]],
    ['one that took a nap', [call(1, 500, 9e6, { who: 'n' }), call(1, 4e6, 5e6)], [false]],
  ])('calls for one record: %s', (_case, calls, excused) => {
    const pauses = [
      { who: 's', fromUs: 1e6, untilUs: 4e6 },
      { who: 'n', fromUs: 1e6, untilUs: 1.5e6 },
    ];
    expect(overlaps(calls, pauses, 2_000).map(({ isExcused }) => isExcused)).toEqual(excused);
  });

  it('counts what was called again after it was done, and not what was tried again', () => {
    const calls = [call(1, 0, 5, { end: 'failed' }), call(1, 6, 9), call(1, 20, 25), call(2, 0, 5, { end: 'aborted' }), call(2, 7, 9)];
    expect(calledAgain(calls)).toEqual([calls[2]]);
  });

  it('finds the longest time in which nothing was done', () => {
    const calls = [call(1, 0, 1_000), call(2, 0, 9_000, { end: 'failed' }), call(3, 0, 5_000), call(4, 0, 20_000)];
    expect(longestStandstill(calls)).toBe(15);
    expect(longestStandstill(calls, 3_000, 6_000)).toBe(2);
  });
});

describe('the checks of a group’s commits', () => {
  const inputs = [record(1, 'k', 0), record(2, 'k', 1), record(3, 'k', 3)];
  const calls = [call(1, 0, 10_000), call(2, 10_000, 20_000), call(3, 20_000, 30_000)];

  it.each([
    ['growing, by partition', [commit(2, 1), commit(1, 2, { partition: 1 }), commit(2, 3)], 0],
    ['back', [commit(2, 1), commit(1, 2), commit(1, 3)], 2],
  ])('their order: %s', (_case, commits, count) => {
    expect(commitsBack(commits)).toHaveLength(count);
  });

  it.each([
    ['when it was done', [commit(2, 21)], []],
    ['too early', [commit(2, 12)], [2]],
    ['in its map, too early', [commit(0, 21, { metadata: '1bCA' })], [3]],
    ['of a record that was never called', [commit(4, 40)], [9]],
  ])('what they call completed: %s', (_case, commits, undone) => {
    expect(committedUndone([...inputs, record(9, 'x', 2)], calls, commits)).toEqual(undone);
  });

  it.each([
    ['before', [commit(2, 21)], 0],
    ['after', [commit(3, 1)], 1],
    ['after, in its map', [commit(0, 5, { metadata: '1bCA' })], 1],
  ])('what is called %s a commit', (_case, commits, count) => {
    expect(calledAfterCommit(inputs, calls, commits)).toHaveLength(count);
  });
});
