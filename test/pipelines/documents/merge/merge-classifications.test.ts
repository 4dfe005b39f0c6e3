import { describe, expect, it } from 'vitest';
import { type ClassificationPart, mergeClassifications } from '../../../../pipelines/documents/merge/merge-classifications.ts';

const part = (label: string, confidence: number, tokens = 10, probabilities?: Readonly<Record<string, number>>): ClassificationPart => ({
  ...{ label, confidence, tokens },
  ...(probabilities && { probabilities }),
});

describe('mergeClassifications', () => {
  it.each([
    ['one part', 'weighted', [part('a', 0.7)], { label: 'a', confidence: 0.7, votes: { a: 1 }, agreement: 1 }],
    [
      'most voices',
      'majority',
      [part('a', 0.9), part('b', 0.5), part('b', 0.5)],
      { label: 'b', confidence: 0.3333, votes: { a: 1, b: 2 }, agreement: 0.6667 },
    ],
    ['the most probable', 'weighted', [part('a', 0.9), part('b', 0.4), part('b', 0.4)], { label: 'a', confidence: 0.3, agreement: 0.3333 }],
    ['the long part', 'weighted', [part('a', 0.6, 90), part('b', 0.9, 10)], { label: 'a', confidence: 0.54 }],
    ['of equally many voices the more probable', 'majority', [part('a', 0.6), part('b', 0.8)], { label: 'b', confidence: 0.4 }],
    ['of equals the earlier', 'majority', [part('b', 0.5), part('a', 0.5)], { label: 'b' }],
    [
      'what parts with another label make of it',
      'weighted',
      [part('a', 0.6, 10, { a: 0.6, b: 0.4 }), part('b', 0.7, 10, { a: 0.3, b: 0.7 })],
      { label: 'b', confidence: 0.55 },
    ],
    [
      'what is likely in all parts, though most likely in none',
      'weighted',
      [part('a', 0.5, 10, { a: 0.5, b: 0.45, c: 0.05 }), part('c', 0.5, 10, { a: 0.05, b: 0.45, c: 0.5 })],
      { label: 'b', confidence: 0.45, votes: { a: 1, c: 1 }, agreement: 0 },
    ],
    [
      'by voices none that has none',
      'majority',
      [part('a', 0.5, 10, { a: 0.5, b: 0.45, c: 0.05 }), part('c', 0.5, 10, { a: 0.05, b: 0.45, c: 0.5 })],
      { label: 'a', votes: { a: 1, c: 1 } },
    ],
  ] as const)('takes %s', (_what, strategy, parts, merged) => {
    expect(mergeClassifications(parts, { strategy })).toMatchObject(merged);
  });

  it('takes no label that is a member of every object for known', () => {
    expect(mergeClassifications([part('constructor', 1), part('constructor', 1)]).votes).toEqual({ constructor: 2 });
  });

  it('refuses no parts', () => {
    expect(() => mergeClassifications([])).toThrow(expect.objectContaining({ code: 'answer_invalid' }));
  });
});
