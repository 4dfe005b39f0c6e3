import { map } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { batchWithin, mapValue, unbatch } from '../../operators/index.ts';
import { feed, outcomeOf } from '../helpers/feed.ts';
import { marbles } from '../helpers/marbles.ts';

const batched = (results: (values: readonly number[]) => unknown, maxSize = 3) =>
  feed<number, unknown>((source) =>
    source.pipe(batchWithin({ maxSize }), mapValue(results as (values: readonly number[]) => unknown[]), unbatch()),
  );

describe('unbatch', () => {
  it('gives each member its result, with its own key and position', () => {
    const fed = batched((values) => values.map((value) => value * 10));
    for (const [i, key] of ['x', 'y', 'z'].entries()) fed.source.next(fed.run.envelope(i, { key, partition: i }));
    expect(fed.out.map(({ value, key, position }) => [value, key, position.partition])).toEqual([
      [0, 'x', 0],
      [10, 'y', 1],
      [20, 'z', 2],
    ]);
    expect(fed.out.every(({ members }) => members === undefined)).toBe(true);
  });

  it('fails the members whose result is an error, each with its own', () => {
    const fed = batched((values) => values.map((value) => (value === 2 ? new Error('two') : value)));
    fed.send(1, 2, 3);
    expect(fed.outcomes()).toEqual(['done', 'failed: two', 'done']);
    expect(fed.values()).toEqual([1, 3]);
  });

  it.each([
    { rule: 'too few results', results: [1, 2], got: '2 results' },
    { rule: 'too many results', results: [1, 2, 3, 4], got: '4 results' },
    { rule: 'what is no array', results: 'abc', got: 'a value of type string' },
  ])('fails all members for $rule, each by its own position', ({ results, got }) => {
    const fed = batched(() => results);
    fed.send(1, 2, 3);
    expect(fed.outcomes()).toEqual(Array(3).fill('failed: batch_size_mismatch'));
    expect(fed.run.failures.map(({ message }) => message)).toEqual(
      [0, 1, 2].map(
        (offset) => `record test/0@${String(offset)}: a call for a batch of 3 must return 3 results in their order, got ${got}`,
      ),
    );
  });

  it('fails an envelope that is no batch', () => {
    const fed = feed<readonly number[], number>(unbatch());
    fed.send([1]);
    expect(fed.run.failures[0]?.message).toMatch(/unbatch needs what batchWithin made/);
  });

  it('passes over members that were given back', () => {
    const fed = feed<number, number>((source) =>
      source.pipe(
        batchWithin({ maxSize: 2 }),
        mapValue((values: readonly number[]) => {
          fed.run.giveBack('revoked', fed.sent[0]);
          return values;
        }),
        unbatch(),
      ),
    );
    const [a, b] = [fed.run.envelope(1), fed.run.envelope(2)];
    fed.sent.push(a, b);
    fed.source.next(a);
    fed.source.next(b);
    expect(fed.values()).toEqual([2]);
    expect(fed.outcomes()).toEqual(['given-back: revoked', 'done']);
  });

  it('takes batches of batches apart one by one', () => {
    const fed = feed<number, number>((source) =>
      source.pipe(batchWithin({ maxSize: 2 }), batchWithin({ maxSize: 2 }), unbatch(), unbatch()),
    );
    fed.send(1, 2, 3, 4);
    expect(fed.values()).toEqual([1, 2, 3, 4]);
    expect(fed.outcomes()).toEqual(Array(4).fill('done'));
  });

  it('leaves the rest open when downstream leaves in the middle', () => {
    const fed = feed<number, number>((source) =>
      source.pipe(
        batchWithin({ maxSize: 2 }),
        unbatch(),
        mapValue((value: number) => {
          fed.unsubscribe();
          return value;
        }),
      ),
    );
    fed.send(1, 2);
    expect(fed.source.observed).toBe(false);
    expect(fed.outcomes()).toEqual(['open', 'open']);
  });

  it.each([
    { rule: 'completes with the source', source: '-a--|', until: '', result: '-x--|', held: '^---!' },
    { rule: 'passes an error on', source: '-a--#', until: '', result: '-x--#', held: '^---!' },
    { rule: 'lets go when downstream leaves', source: '-a--|', until: '--!', result: '-x-', held: '^-!' },
  ])('$rule', ({ source, until, result, held }) => {
    marbles(({ hot, run, expectObservable, expectSubscriptions }) => {
      const input = hot(source, { a: run.envelope(1) });
      const out = input.pipe(
        batchWithin({ maxSize: 1 }),
        unbatch(),
        map((envelope) => outcomeOf(run, envelope) && 'x'),
      );
      expectObservable(out, until || undefined).toBe(result);
      expectSubscriptions(input.subscriptions).toBe(held);
    });
  });
});
