import { describe, expect, it, vi } from 'vitest';
import { map } from 'rxjs';
import { batchWithin, type BatchWithinOptions, mapConcurrent, mapValue } from '../../operators/index.ts';
import { call } from '../../src/call.ts';
import { sleep } from '../../src/clock.ts';
import type { Envelope } from '../../src/record/envelope.ts';
import { type Fed, feed, outcomeOf } from '../helpers/feed.ts';
import { marbles } from '../helpers/marbles.ts';

const batches = { p: ['a', 'b', 'c'], q: ['d'], r: ['a', 'b'] };

describe('batchWithin', () => {
  it.each([
    {
      rule: 'sends a full batch at once, and starts a new wait',
      source: '-abcd-----|',
      until: '',
      out: '---p---q--|',
      held: '^---------!',
    },
    { rule: 'counts the wait from the first value', source: '-a-b------|', until: '', out: '----r-----|', held: '^---------!' },
    { rule: 'sends the rest before it completes', source: '-d|', until: '', out: '--(q|)', held: '^-!' },
    { rule: 'does not send the rest on error', source: '-d#', until: '', out: '--#', held: '^-!' },
    { rule: 'lets go when downstream leaves', source: '-d-------|', until: '--!', out: '---', held: '^-!' },
  ])('$rule', ({ source, until, out, held }) => {
    marbles(({ hot, run, expectObservable, expectSubscriptions }) => {
      const envelope = (value: string): Envelope<string> => run.envelope(value);
      const input = hot(source, { a: envelope('a'), b: envelope('b'), c: envelope('c'), d: envelope('d') });
      const result = input.pipe(
        batchWithin({ maxSize: 3, maxWaitMs: 3 }),
        map(({ value }) => value),
      );
      expectObservable(result, until || undefined).toBe(out, batches);
      expectSubscriptions(input.subscriptions).toBe(held);
    });
  });

  it.each([
    { rule: 'never sends more bytes than maxBytes', values: [4, 4, 4], expected: [[4, 4], [4]] },
    { rule: 'sends as soon as maxBytes are there', values: [4, 6, 1], expected: [[4, 6], [1]] },
    { rule: 'sends a value alone that alone is too much', values: [1, 11, 1], expected: [[1], [11], [1]] },
  ])('$rule, and the same for tokens', ({ values, expected }) => {
    for (const limit of [
      { maxBytes: 10, bytesOf: (value: number) => value },
      { maxTokens: 10, tokensOf: (value: number) => value },
    ]) {
      const fed = feed<number, readonly number[]>(batchWithin({ maxSize: 100, ...limit }));
      fed.send(...values);
      fed.source.complete();
      expect(fed.values()).toEqual(expected);
    }
  });

  it('counts the tokens of answers beside those of values', () => {
    const fed = feed<number, readonly number[]>(
      batchWithin({ maxSize: 100, maxTokens: 10, tokensOf: (value) => value, maxOutputTokens: 2 }),
    );
    fed.send(3, 3, 1, 9, 1);
    fed.source.complete();
    expect(fed.values()).toEqual([[3, 3], [1], [9], [1]]);
  });

  it('waits 20 ms by default, on the clock of the pipeline', async () => {
    const fed = feed<number, readonly number[]>(batchWithin({ maxSize: 3 }));
    fed.send(1);
    await fed.run.clock.advance(19.9);
    expect(fed.values()).toEqual([]);
    await fed.run.clock.advance(0.1);
    expect(fed.values()).toEqual([[1]]);
  });

  it.each(['complete', 'error', 'unsubscribe'] as const)('leaves no timer behind on %s', (end) => {
    const cancel = vi.fn();
    const clock = { nowMs: () => 0, schedule: () => cancel };
    const fed = feed<number, readonly number[]>(batchWithin({ maxSize: 3, clock }));
    fed.send(1);
    if (end === 'complete') fed.source.complete();
    else if (end === 'error') fed.source.error(new Error('broken'));
    else fed.unsubscribe();
    expect(cancel).toHaveBeenCalledTimes(1);
    expect(fed.source.observed).toBe(false);
    expect(fed.outcomes()).toEqual([end === 'complete' ? 'done' : 'open']);
  });

  it('gives a batch its members, the earliest deadline, and settles them together', () => {
    const fed = feed<number, readonly number[]>(batchWithin({ maxSize: 2 }));
    const late = fed.run.envelope(1, { timeMs: 500 });
    const early = fed.run.envelope(2, { timeMs: 100 });
    fed.source.next(late);
    fed.source.next(early);
    const [batch] = fed.out;
    expect(batch?.members).toEqual([late, early]);
    expect(batch?.deadlineMs).toBe(100);
    expect([outcomeOf(fed.run, late), outcomeOf(fed.run, early)]).toEqual(['done', 'done']);
  });

  describe('when nothing more can come', () => {
    it('sends at once, without the wait', async () => {
      const fed = feed<number, readonly number[]>(batchWithin({ maxSize: 3, maxWaitMs: 1000 }));
      fed.send(1, 2);
      fed.run.sourceBlocked(true);
      await Promise.resolve();
      expect(fed.values()).toEqual([[1, 2]]);
    });

    it('waits for records that are still on their way', async () => {
      const fed = feed<number, readonly number[]>(batchWithin({ maxSize: 3, maxWaitMs: 1000 }));
      const onTheWay = fed.run.envelope(3);
      fed.send(1, 2);
      fed.run.sourceBlocked(true);
      await Promise.resolve();
      expect(fed.values()).toEqual([]);
      fed.run.giveBack('revoked', onTheWay);
      await Promise.resolve();
      expect(fed.values()).toEqual([[1, 2]]);
    });

    it('does not wait for records that have passed', async () => {
      const behind = feed<number, readonly number[]>(
        (source) =>
          source.pipe(
            mapValue((v: number) => v),
            batchWithin({ maxSize: 2, maxWaitMs: 1000 }),
          ),
        { keep: true },
      );
      behind.send(1, 2, 3);
      behind.run.sourceBlocked(true);
      await Promise.resolve();
      expect(behind.values()).toEqual([[1, 2], [3]]);
    });

    it('sees a source that was blocked before the first value came', async () => {
      const fed = feed<number, readonly number[]>(batchWithin({ maxSize: 3, maxWaitMs: 1000 }));
      fed.run.sourceBlocked(true);
      fed.send(1);
      await Promise.resolve();
      expect(fed.values()).toEqual([[1]]);
    });
  });

  it('lets a batch that is due grow while one before it waits for its call, until it is full', async () => {
    const calls: string[] = [];
    const fed: Fed<number, unknown> = feed<number, unknown>((source) =>
      source.pipe(
        batchWithin({ maxSize: 4, maxWaitMs: 10 }),
        mapConcurrent(
          (batch: readonly number[]) => {
            calls.push(`${String(fed.run.clock.nowMs())} ${batch.join('')}`);
            return call(() => sleep(fed.run.clock, 100).then(() => batch));
          },
          { concurrency: 1 },
        ),
      ),
    );
    for (const value of [1, 2, 3, 4, 5, 6, 7, 8]) {
      fed.send(value);
      await fed.run.clock.advance(20);
    }
    await fed.run.clock.advance(400);
    expect(calls).toEqual(['10 1', '110 2', '210 3456', '310 78']);
  });

  it('lets records that were given back, or failed, leave the batch', async () => {
    const fed = feed<number, readonly number[]>(batchWithin({ maxSize: 3 }));
    fed.send(1, 2);
    fed.run.giveBack('revoked', fed.sent[0]);
    fed.send(3);
    expect(fed.values()).toEqual([]); // three came, two are left
    fed.send(4);
    expect(fed.values()).toEqual([[2, 3, 4]]);
    fed.send(5);
    fed.run.giveBack('revoked', fed.sent[4]);
    await fed.run.clock.advance(100);
    expect(fed.values()).toHaveLength(1);
    expect(fed.outcomes()).toEqual(['given-back: revoked', 'done', 'done', 'done', 'given-back: revoked']);
  });

  it('forgets the size of those who left', () => {
    const fed = feed<number, readonly number[]>(batchWithin({ maxSize: 9, maxBytes: 10, bytesOf: (value) => value }));
    fed.send(6);
    fed.run.giveBack('revoked');
    fed.send(5, 4);
    expect(fed.values()).toEqual([]);
    fed.send(1);
    expect(fed.values()).toEqual([[5, 4, 1]]);
  });

  it('does not take in a record that was given back before', () => {
    const fed = feed<number, readonly number[]>(batchWithin({ maxSize: 1 }));
    const envelope = fed.run.envelope(1);
    fed.run.giveBack('revoked');
    fed.source.next(envelope);
    expect(fed.values()).toEqual([]);
  });

  it.each([Number.NaN, -1, '12' as never, undefined as never, 12n as never])(
    'fails a record whose size is %s, and one whose size throws',
    (size) => {
      const bytesOf = (value: number): number => {
        if (value === 13) throw new Error('unlucky');
        return value === 7 ? size : value;
      };
      const fed = feed<number, readonly number[]>(batchWithin({ maxSize: 2, maxBytes: 10, bytesOf }));
      fed.send(1, 7, 13, 2);
      expect(fed.outcomes()).toEqual(['done', 'failed: project_threw', 'failed: project_threw', 'done']);
    },
  );

  it('takes what a synchronous consumer sends back into the next batch', () => {
    const fed = feed<number, readonly number[]>((source) =>
      source.pipe(
        batchWithin({ maxSize: 2 }),
        mapValue((batch: readonly number[]) => {
          if (batch[0] === 1) fed.send(3, 4);
          return batch;
        }),
      ),
    );
    fed.send(1, 2);
    expect(fed.values()).toEqual([
      [3, 4],
      [1, 2],
    ]);
  });

  describe('within a partition', () => {
    const fedFrom = (options: Partial<BatchWithinOptions<number>> = {}) => {
      const fed = feed<number, readonly number[]>(batchWithin({ maxSize: 3, maxWaitMs: 50, within: 'partition', ...options }));
      const send = (partition: number, ...values: readonly number[]): void => {
        for (const value of values) fed.source.next(fed.run.envelope(value, { partition }));
      };
      return { ...fed, send };
    };

    it('puts only values of one partition together, each batch with a wait of its own', async () => {
      const { send, values, run } = fedFrom();
      send(0, 1, 2);
      await run.clock.advance(30);
      send(1, 10, 11);
      send(0, 3, 4);
      expect(values()).toEqual([[1, 2, 3]]);
      await run.clock.advance(20);
      expect(values()).toEqual([[1, 2, 3]]);
      await run.clock.advance(30);
      expect(values()).toEqual([[1, 2, 3], [10, 11], [4]]);
    });

    it('sends all of them when nothing more can come, and when the stream completes', async () => {
      const idle = fedFrom();
      idle.send(0, 1);
      idle.send(1, 10, 11);
      idle.run.sourceBlocked(true);
      await Promise.resolve();
      expect(idle.values()).toEqual([[1], [10, 11]]);
      const complete = fedFrom();
      complete.send(0, 1);
      complete.send(1, 10);
      complete.source.complete();
      expect([complete.values(), complete.ended()]).toEqual([[[1], [10]], 'complete']);
    });

    it('sends nothing after it was left', async () => {
      const { send, run, values, unsubscribe } = fedFrom();
      send(0, 1);
      send(1, 10);
      unsubscribe();
      await run.clock.advance(1_000);
      expect(values()).toEqual([]);
    });
  });

  it.each<[BatchWithinOptions<number>, string]>([
    [{ maxSize: 0 }, 'batchWithin.maxSize must be an integer from 1 to 10000, got 0'],
    [{ maxSize: 10_001 }, 'batchWithin.maxSize must be an integer from 1 to 10000, got 10001'],
    [{ maxSize: {} as never }, 'batchWithin.maxSize must be an integer or adaptive({ … }), got one without observe()'],
    [{ maxSize: 1, maxOutputTokens: 1 }, 'batchWithin.maxOutputTokens is reserved within maxTokens'],
    [{ maxSize: 1, maxTokens: 9, tokensOf: () => 1, maxOutputTokens: -1 }, 'batchWithin.maxOutputTokens must be an integer >= 0, got -1'],
    [{ maxSize: 1, within: 'topic' as never }, 'batchWithin.within must be one of pipeline, partition, got "topic"'],
    [{ maxSize: 1, maxWaitMs: -1 }, 'batchWithin.maxWaitMs must be a number >= 0, got -1'],
    [{ maxSize: 1, maxBytes: 1 }, 'batchWithin.maxBytes and batchWithin.bytesOf belong together'],
    [{ maxSize: 1, tokensOf: () => 1 }, 'batchWithin.maxTokens and batchWithin.tokensOf belong together'],
    [{ maxSize: 1, maxTokens: 0.5, tokensOf: () => 1 }, 'batchWithin.maxTokens must be an integer >= 1, got 0.5'],
  ])('refuses %j when it is called', (options, message) => {
    expect(() => batchWithin(options)).toThrow(message);
  });
});
