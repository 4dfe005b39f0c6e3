import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergeEmbeddings } from '../../../../pipelines/documents/merge/merge-embeddings.ts';

const round = (vector: readonly number[]): readonly number[] => vector.map((one) => Math.round(one * 1e4) / 1e4);

describe('mergeEmbeddings', () => {
  it.each([
    ['one vector, made as long as 1', [[[3, 4], 7]], [0.6, 0.8]],
    [
      'the mean of equals',
      [
        [[1, 0], 5],
        [[0, 1], 5],
      ],
      [0.7071, 0.7071],
    ],
    [
      'more of the one with more tokens',
      [
        [[1, 0], 3],
        [[0, 1], 1],
      ],
      [0.9487, 0.3162],
    ],
    [
      'the heavier of two that cancel each other out',
      [
        [[1, 0], 2],
        [[-2, 0], 1],
      ],
      [1, 0],
    ],
    ['zeros where all are', [[[0, 0], 2]], [0, 0]],
  ] as const)('is %s', (_what, parts, merged) => {
    expect(round(mergeEmbeddings(parts.map(([vector, tokens]) => ({ vector, tokens }))))).toEqual(merged);
  });

  it.each([
    ['no vectors', []],
    [
      'vectors of two models',
      [
        [1, 0],
        [1, 0, 0],
      ],
    ],
    ['what is no number', [[Number.NaN, 1]]],
  ])('refuses %s', (_what, vectors) => {
    expect(() => mergeEmbeddings(vectors.map((vector) => ({ vector, tokens: 1 })))).toThrow(
      expect.objectContaining({ code: 'answer_invalid' }),
    );
  });

  it('is of length 1, whatever the order of the parts', () => {
    const part = fc.record({
      vector: fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 3, maxLength: 3 }),
      tokens: fc.integer({ min: 1, max: 1000 }),
    });
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 10 }), (parts) => {
        const merged = mergeEmbeddings(parts);
        expect(Math.hypot(...merged)).toBeCloseTo(1, 6);
        for (const [at, one] of mergeEmbeddings(parts.toReversed()).entries()) expect(one).toBeCloseTo(merged[at] ?? 0, 6);
      }),
    );
  });
});
