import { describe, expect, it } from 'vitest';
import { type Json, mergeExtractions } from '../../../../pipelines/documents/merge/merge-extractions.ts';

const merged = (...values: readonly Json[]) => mergeExtractions(values.map((value, index) => ({ index, value })));

describe('mergeExtractions', () => {
  it.each<[string, Json[], Json]>([
    ['members side by side', [{ a: 1 }, { b: 2 }], { a: 1, b: 2 }],
    [
      'what says something, where others say nothing',
      [
        { a: null, b: '' },
        { a: 'x', b: ' ' },
      ],
      { a: 'x', b: '' },
    ],
    ['items once each', [{ a: ['x', 'y'] }, { a: ['Y ', 'z'] }], { a: ['x', 'y', 'z'] }],
    [
      'objects in lists once each, whatever the order of their members',
      [{ a: [{ p: 1, q: 2 }] }, { a: [{ q: 2, p: 1 }] }],
      { a: [{ p: 1, q: 2 }] },
    ],
    ['objects within objects', [{ a: { b: 1 } }, { a: { c: 2 } }], { a: { b: 1, c: 2 } }],
    ['the same name in other spaces and case', [{ a: 'Ann  Lee' }, { a: 'ann lee' }], { a: 'Ann  Lee' }],
    ['nothing', [{}, {}], {}],
    ['members that every object has by inheritance', [{ toString: 'x' }, { b: 1 }], { toString: 'x', b: 1 }],
  ])('puts together %s', (_what, values, value) => {
    expect(merged(...values)).toEqual({ value, conflicts: [] });
  });

  it('keeps what most say, and shows who says otherwise', () => {
    expect(merged({ price: 3 }, { price: 4 }, { price: 4 })).toEqual({
      value: { price: 4 },
      conflicts: [
        {
          path: '/price',
          values: [
            { value: 4, chunks: [1, 2] },
            { value: 3, chunks: [0] },
          ],
        },
      ],
    });
  });

  it('keeps the earlier of equals, by the order of chunks and not of arrival, and says where it is', () => {
    const parts = [
      { index: 1, value: { 'a/b': { c: 2 } } },
      { index: 0, value: { 'a/b': { c: 1 } } },
    ];
    expect(mergeExtractions(parts)).toEqual({
      value: { 'a/b': { c: 1 } },
      conflicts: [
        {
          path: '/a~1b/c',
          values: [
            { value: 1, chunks: [0] },
            { value: 2, chunks: [1] },
          ],
        },
      ],
    });
  });

  it('shows things of two kinds as a conflict', () => {
    expect(merged({ a: [1] }, { a: { b: 1 } }).conflicts).toMatchObject([{ path: '/a' }]);
  });
});
