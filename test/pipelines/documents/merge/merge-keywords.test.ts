import { describe, expect, it } from 'vitest';
import { mergeKeywords } from '../../../../pipelines/documents/merge/merge-keywords.ts';

const merged = (lists: readonly (readonly string[])[], most?: number) =>
  mergeKeywords(
    lists.map((keywords, index) => ({ index, keywords })),
    most === undefined ? {} : { most },
  );

describe('mergeKeywords', () => {
  it.each([
    [
      'what more chunks name',
      [
        ['tax', 'war'],
        ['peace', 'war'],
      ],
      ['war', 'tax', 'peace'],
    ],
    [
      'what is named earlier in its list',
      [
        ['a', 'b'],
        ['c', 'd'],
      ],
      ['a', 'c', 'b', 'd'],
    ],
    ['one of two ways of writing', [['New  York'], ['new york', 'ships']], ['New York', 'ships']],
    ['a keyword of one chunk once', [['a', 'A', 'a'], ['b']], ['a', 'b']],
    ['nothing of empty ones', [['', ' ']], []],
  ])('takes first %s', (_what, lists, keywords) => {
    expect(merged(lists)).toEqual(keywords);
  });

  it('keeps so many', () => {
    expect(merged([['a', 'b', 'c']], 2)).toEqual(['a', 'b']);
  });
});
