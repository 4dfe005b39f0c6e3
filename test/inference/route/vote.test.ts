import { describe, expect, it } from 'vitest';
import { type Ballot, countVotes } from '../../../src/inference/route/vote.ts';

const ballots = (...values: readonly [string, number][]): readonly Ballot<string>[] =>
  values.map(([value, weight], index) => ({ index, weight, value }));
const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

describe('countVotes', () => {
  it.each<[string, readonly Ballot<string>[], number, string, number, boolean]>([
    ['the most', ballots(['a', 1], ['b', 1], ['B', 1]), 0, 'b', 2, true],
    ['the heaviest', ballots(['a', 3], ['b', 1], ['b', 1]), 0, 'a', 3, true],
    ['of equals the earliest', ballots(['b', 1], ['a', 1]), 0, 'b', 1, true],
    ['what the rest cannot overtake', ballots(['a', 1], ['a', 1]), 1, 'a', 2, true],
    ['not what the rest might', ballots(['a', 1], ['b', 1]), 1, 'a', 1, false],
    ['not what the rest might draw level with', ballots(['a', 1], ['a', 1], ['b', 1]), 1, 'a', 2, false],
  ])('%s', (_, given, openWeight, value, weight, isDecided) => {
    for (const order of [given, given.toReversed()])
      expect(countVotes(order, same, openWeight)).toMatchObject({ winner: { value }, weight, isDecided });
  });

  it('knows no winner of no ballots', () => {
    expect(countVotes([], same, 3)).toBeUndefined();
  });
});
