import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergeText, planReduction } from '../../../../pipelines/documents/merge/merge-text.ts';

describe('mergeText', () => {
  it.each([
    ['nothing', [], ''],
    ['one', [[0, ' a ']], 'a'],
    [
      'chunks that came out of order',
      [
        [2, 'c'],
        [0, 'a'],
        [1, 'b'],
      ],
      'a\n\nb\n\nc',
    ],
    [
      'a chunk without text',
      [
        [0, 'a'],
        [1, ' \n'],
        [2, 'c'],
      ],
      'a\n\nc',
    ],
  ] as const)('joins %s', (_what, parts, joined) => {
    expect(mergeText(parts.map(([index, text]) => ({ index, text })))).toBe(joined);
  });

  it('puts between them what it is told to', () => {
    expect(
      mergeText(
        [
          { index: 0, text: 'a' },
          { index: 1, text: 'b' },
        ],
        { separator: ' | ' },
      ),
    ).toBe('a | b');
  });
});

describe('planReduction', () => {
  it('puts as many neighbours together as fit, and one that is too long alone', () => {
    expect(planReduction([3, 4, 4, 20, 1, 9], 10)).toEqual([[0, 1], [2], [3], [4, 5]]);
  });

  it('keeps every part once, in order, and no group of several is over the bound', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 50 }), { maxLength: 40 }), fc.integer({ min: 1, max: 60 }), (tokens, most) => {
        const groups = planReduction(tokens, most);
        expect(groups.flat()).toEqual(tokens.map((_, place) => place));
        for (const group of groups)
          if (group.length > 1) expect(group.reduce((sum, place) => sum + (tokens[place] ?? 0), 0)).toBeLessThanOrEqual(most);
      }),
    );
  });
});
