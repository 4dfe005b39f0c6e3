import { map } from 'rxjs';
import { describe, expect, it, vi } from 'vitest';
import { batchDynamic, type BatchDynamicOptions, mapConcurrent, mapValue, unbatch } from '../../operators/index.ts';
import { call } from '../../src/call.ts';
import { sleep } from '../../src/clock.ts';
import { adaptive } from '../../src/policies/adaptive.ts';
import type { Envelope } from '../../src/record/envelope.ts';
import { feed } from '../helpers/feed.ts';
import { marbles } from '../helpers/marbles.ts';
import { upTo } from '../helpers/mill.ts';

const batched = (options: Partial<BatchDynamicOptions<number>> = {}) =>
  feed<number, readonly number[]>(batchDynamic({ maxSize: 8, ...options }));

/** Calls of 100 ms, so many at a time. */
const called = (options: Partial<BatchDynamicOptions<number>> = {}, concurrency = 1) => {
  const calls: string[] = [];
  const fed = feed<number, unknown>((source) =>
    source.pipe(
      batchDynamic({ maxSize: 8, ...options }),
      mapConcurrent(
        (values: readonly number[]) =>
          call(async () => {
            calls.push(`${String(fed.run.clock.nowMs())} ${values.join('')}`);
            await sleep(fed.run.clock, 100);
            return values;
          }),
        { concurrency },
      ),
      unbatch(),
    ),
  );
  return { ...fed, calls };
};

describe('batchDynamic', () => {
  it.each([
    { rule: 'sends a full batch at once', source: '-abcd-----|', until: '', out: '---p---q--|', held: '^---------!' },
    { rule: 'counts the wait from the first value', source: '-a-b------|', until: '', out: '----r-----|', held: '^---------!' },
    { rule: 'sends the rest before it completes', source: '-d|', until: '', out: '--(q|)', held: '^-!' },
    { rule: 'does not send the rest on error', source: '-d#', until: '', out: '--#', held: '^-!' },
    { rule: 'lets go when downstream leaves', source: '-d-------|', until: '--!', out: '---', held: '^-!' },
  ])('$rule', ({ source, until, out, held }) => {
    marbles(({ hot, run, expectObservable, expectSubscriptions }) => {
      const envelope = (value: string): Envelope<string> => run.envelope(value);
      const input = hot(source, { a: envelope('a'), b: envelope('b'), c: envelope('c'), d: envelope('d') });
      const result = input.pipe(
        batchDynamic({ maxSize: 3, maxQueueDelayMs: 3 }),
        map(({ value }) => value),
      );
      expectObservable(result, until || undefined).toBe(out, { p: ['a', 'b', 'c'], q: ['d'], r: ['a', 'b'] });
      expectSubscriptions(input.subscriptions).toBe(held);
    });
  });

  it('leaves at a preferred size without waiting for more', () => {
    const { send, values } = batched({ preferredSizes: [3, 6] });
    send(1, 2, 3, 4);
    expect(values()).toEqual([[1, 2, 3]]);
  });

  it('puts values of like length together, by default within powers of two', () => {
    const { send, values, source } = batched({ maxSize: 3, lengthOf: (value) => value });
    send(10, 100, 16, 17, 128, 1, 129, 32, 65);
    expect(values()).toEqual([
      [10, 16, 1],
      [100, 128, 65],
    ]);
    source.complete();
    expect(values().slice(2)).toEqual([[17, 32], [129]]);
  });

  it('has buckets of its own sizes, and sends alone what is longer than the last', () => {
    const buckets = [{ upTo: 10 }, { upTo: 100, maxSize: 2 }];
    const { send, values } = batched({ maxSize: 3, lengthOf: (value) => value, buckets });
    send(1, 50, 101, 10, 11, 2);
    expect(values()).toEqual([[101], [50, 11], [1, 10, 2]]);
  });

  it('puts only values of one partition together where it is told so', () => {
    const { source, run, values } = batched({ maxSize: 2, within: 'partition' });
    for (const [value, partition] of [
      [1, 0],
      [10, 1],
      [2, 0],
      [11, 1],
    ] as const)
      source.next(run.envelope(value, { partition }));
    expect(values()).toEqual([
      [1, 2],
      [10, 11],
    ]);
  });

  describe('while calls are busy', () => {
    it('grows, and leaves when a call can begin', async () => {
      const { send, run, calls, outcomes } = called({ maxQueueDelayMs: 10 });
      send(1);
      await run.clock.advance(10); // called at 10, until 110
      send(2);
      await run.clock.advance(20); // left at 20, and waits for its call until 110
      send(3);
      await run.clock.advance(30);
      send(4, 5);
      await run.clock.advance(400);
      expect(calls).toEqual(['10 1', '110 2', '210 345']);
      expect(outcomes()).toEqual(Array(5).fill('done'));
    });

    it('sends a full batch all the same: it holds no more than that', async () => {
      const { send, run, calls, sent } = called({ maxSize: 2, maxQueueDelayMs: 10 });
      send(...upTo(9));
      await run.clock.advance(1_000);
      expect(calls.map((one) => one.split(' ')[1])).toEqual(['01', '23', '45', '67', '8']);
      expect(sent).toHaveLength(9);
    });

    it('goes on when what was ahead is given back', async () => {
      const { send, run, calls, sent } = called({ maxQueueDelayMs: 10 });
      send(1);
      await run.clock.advance(10);
      send(2);
      await run.clock.advance(10);
      send(3);
      await run.clock.advance(20);
      run.giveBack('revoked', sent[1]);
      await run.clock.advance(200);
      expect(calls).toEqual(['10 1', '110 3']);
    });

    it('sends the largest preferred size once a call can begin, the bucket first that has waited longest', async () => {
      const { send, run, calls } = called({
        maxSize: 9,
        preferredSizes: [2, 4],
        maxQueueDelayMs: 1_000,
        lengthOf: (value) => (value < 5 ? 10 : 100),
      });
      send(1, 1, 2, 2); // two batches: one is called, one waits
      send(3, 7, 7, 7, 7, 7, 3, 3);
      await run.clock.advance(2_000);
      expect(calls).toEqual(['0 11', '100 22', '200 33', '300 7777', '1000 3', '1100 7']);
    });

    it('has as many calls under way as there may be', async () => {
      const { send, run, calls } = called({ preferredSizes: [1], maxQueueDelayMs: 0 }, 3);
      send(1, 2, 3, 4, 5, 6, 7);
      await run.clock.advance(500);
      expect(calls).toEqual(['0 1', '0 2', '0 3', '100 4', '100 567']);
    });
  });

  describe('when nothing more can come', () => {
    it('sends at once, without the wait', async () => {
      const { send, run, values } = batched({ maxQueueDelayMs: 1_000 });
      send(1, 2);
      run.sourceBlocked(true);
      await Promise.resolve();
      expect(values()).toEqual([[1, 2]]);
    });

    it('waits for records that are still on their way, and not for those that were given back', async () => {
      const { send, run, values, sent } = batched({ maxQueueDelayMs: 1_000 });
      const onTheWay = run.envelope(3);
      send(1, 2);
      run.sourceBlocked(true);
      run.giveBack('revoked', sent[0]);
      await Promise.resolve();
      expect(values()).toEqual([]);
      run.giveBack('revoked', onTheWay);
      await Promise.resolve();
      expect(values()).toEqual([[2]]);
    });

    it('waits while a batch waits for its call, then sends', async () => {
      const { send, run, calls } = called({ preferredSizes: [1], maxQueueDelayMs: 1_000 });
      send(1, 2, 3);
      run.sourceBlocked(true);
      await run.clock.advance(500);
      expect(calls).toEqual(['0 1', '100 2', '200 3']);
    });
  });

  it('lets records that were given back leave the batch', async () => {
    const { send, run, values, sent, outcomes } = batched({ maxSize: 3 });
    send(1, 2);
    run.giveBack('revoked', sent[0]);
    send(3);
    expect(values()).toEqual([]); // three came, two are left
    send(4, 5);
    run.giveBack('revoked', sent[4]);
    await run.clock.advance(100);
    expect(values()).toEqual([[2, 3, 4]]);
    expect(outcomes()).toEqual(['given-back: revoked', 'done', 'done', 'done', 'given-back: revoked']);
  });

  it('takes what a synchronous consumer sends back into the next batch', () => {
    const fed = feed<number, readonly number[]>((source) =>
      source.pipe(
        batchDynamic({ maxSize: 2 }),
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

  it.each([Number.NaN, -1])('fails a record whose length is %s, and one whose length throws', (length) => {
    const lengthOf = (value: number): number => {
      if (value === 13) throw new Error('unlucky');
      return value === 7 ? length : value;
    };
    const { send, outcomes } = batched({ maxSize: 2, lengthOf });
    send(1, 7, 13, 2);
    expect(outcomes()).toEqual(['done', 'failed: project_threw', 'failed: project_threw', 'done']);
  });

  it('obeys a size that follows the latency', async () => {
    const { send, run, calls } = called({ maxSize: adaptive({ targetLatencyMs: 1_000 }) });
    for (const values of [[1], [2, 3], [4, 5, 6, 7]]) {
      send(...values);
      await run.clock.advance(100);
    }
    expect(calls).toEqual(['0 1', '100 23', '200 4567']);
  });

  it('listens to the source once, and only while values wait', async () => {
    const { send, run } = batched({ maxSize: 3 });
    const listen = vi.spyOn(run.run.open, 'onChange');
    send(1, 2, 3, 4, 5);
    await run.clock.advance(20);
    expect(listen.mock.results).toHaveLength(2); // for 1 to 3, and for 4 and 5
    run.sourceBlocked(true);
    await Promise.resolve();
    send(6);
    expect(listen.mock.results).toHaveLength(3);
  });

  it('keeps a record past its deadline that waits here, and leaves it to its deadline once the stream is gone', async () => {
    const { source, run, unsubscribe, outcomes, sent } = batched({ maxQueueDelayMs: 1_000 });
    const one = run.envelope(1, { timeMs: 50 });
    sent.push(one);
    source.next(one);
    await run.clock.advance(60);
    run.expire();
    expect(outcomes()).toEqual(['open']);
    unsubscribe();
    await run.clock.advance(60);
    run.expire();
    expect(outcomes()).toEqual(['failed: envelope_lost']);
  });

  it.each(['complete', 'error', 'unsubscribe'] as const)('leaves no timer behind on %s', async (end) => {
    const { send, run, source, unsubscribe, values, outcomes } = batched();
    send(1);
    if (end === 'complete') source.complete();
    else if (end === 'error') source.error(new Error('broken'));
    else unsubscribe();
    const before = values().length;
    await run.clock.advance(1_000);
    expect([values().length, outcomes()]).toEqual([before, [end === 'complete' ? 'done' : 'open']]);
  });

  it.each<[Partial<BatchDynamicOptions<number>>, string]>([
    [{ maxSize: 0 }, 'batchDynamic.maxSize must be an integer from 1 to 10000, got 0'],
    [{ preferredSizes: [4, 2] }, 'batchDynamic.preferredSizes[1] must be an integer from 5 to 8, got 2'],
    [{ preferredSizes: [9] }, 'batchDynamic.preferredSizes[0] must be an integer from 1 to 8, got 9'],
    [{ maxQueueDelayMs: -1 }, 'batchDynamic.maxQueueDelayMs must be a number >= 0, got -1'],
    [{ lengthOf: 1 as never }, 'batchDynamic.lengthOf must be a function (value) => number, got number'],
    [{ buckets: [{ upTo: 1 }] }, 'batchDynamic.buckets are of lengths: give lengthOf, too'],
    [{ lengthOf: Number, buckets: [] }, 'batchDynamic.buckets must be a list of { upTo, maxSize? }, got none'],
    [{ lengthOf: Number, buckets: [{ upTo: 5 }, { upTo: 5 }] }, 'batchDynamic.buckets[1].upTo must be above 5, got 5'],
    [{ lengthOf: Number, buckets: [{ upTo: 5, maxSize: 0 }] }, 'batchDynamic.buckets[0].maxSize must be an integer >= 1, got 0'],
    [{ within: 'topic' as never }, 'batchDynamic.within must be one of pipeline, partition, got "topic"'],
    [{ size: 1 } as never, 'batchDynamic has no option size'],
  ])('refuses %j when it is called', (options, message) => {
    expect(() => batchDynamic({ maxSize: 8, ...options })).toThrow(message);
  });
});
