import { map, type Observable } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { mapConcurrent, mapValue, slidingWindow, type SlidingWindowOptions } from '../../operators/index.ts';
import { call } from '../../src/call.ts';
import { sleep } from '../../src/clock.ts';
import type { Envelope } from '../../src/record/envelope.ts';
import { feed } from '../helpers/feed.ts';
import { marbles } from '../helpers/marbles.ts';
import { type Mill, mill, upTo, type Value } from '../helpers/mill.ts';

const slid = (options: SlidingWindowOptions, keep = false) => feed<number, readonly number[]>(slidingWindow(options), { keep });

describe('slidingWindow', () => {
  it.each([
    { rule: 'sends the last values at each step', source: '-a-b-c-|', until: '', out: '---p-q-|', held: '^------!' },
    { rule: 'has no last, shorter window', source: '-a-|', until: '', out: '---|', held: '^--!' },
    { rule: 'does not send the rest on error', source: '-a-#', until: '', out: '---#', held: '^--!' },
    { rule: 'lets go when downstream leaves', source: '-a-b-c-|', until: '----!', out: '---p-', held: '^---!' },
  ])('$rule', ({ source, until, out, held }) => {
    marbles(({ hot, run, expectObservable, expectSubscriptions }) => {
      const envelope = (value: string): Envelope<string> => run.envelope(value);
      const input = hot(source, { a: envelope('a'), b: envelope('b'), c: envelope('c') });
      const result = input.pipe(
        slidingWindow({ size: 2 }),
        map(({ value }) => value),
      );
      expectObservable(result, until || undefined).toBe(out, { p: ['a', 'b'], q: ['b', 'c'] });
      expectSubscriptions(input.subscriptions).toBe(held);
    });
  });

  it('settles a record with the last window that holds it', () => {
    const { send, run, out, outcomes, values } = slid({ size: 3 }, true);
    send(1, 2, 3, 4);
    expect(values()).toEqual([
      [1, 2, 3],
      [2, 3, 4],
    ]);
    const [first, second] = out as [Envelope<unknown>, Envelope<unknown>];
    run.sink(second);
    expect(outcomes()).toEqual(['open', 'open', 'open', 'open']);
    run.sink(first);
    expect(outcomes()).toEqual(['done', 'done', 'open', 'open']);
  });

  it('fails each record of a window that fails, once all its windows are through', () => {
    const fed = feed<number, unknown>((source) =>
      source.pipe(
        slidingWindow({ size: 2 }),
        mapValue((values: readonly number[]) => {
          if (values[0] === 2) throw new Error('unlucky');
          return values;
        }),
      ),
    );
    fed.send(1, 2, 3, 4);
    expect(fed.outcomes()).toEqual(['done', 'failed: project_threw', 'failed: project_threw', 'open']);
  });

  it('drops what stands between two windows', () => {
    const { send, values, outcomes } = slid({ size: 2, step: 3 });
    send(...upTo(6));
    expect(values()).toEqual([
      [0, 1],
      [3, 4],
    ]);
    expect(outcomes()[2]).toBe('dropped: between two windows');
  });

  it('has a window for each partition where it is told so', () => {
    const { source, run, values } = slid({ size: 2, within: 'partition' });
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

  it('lets records that were given back leave the window', () => {
    const { send, run, values, sent } = slid({ size: 2 });
    send(1);
    run.giveBack('revoked', sent[0]);
    send(2, 3);
    expect(values()).toEqual([[2, 3]]);
  });

  it('lets the time of a record stand still while it waits for others', async () => {
    const { source, run, values, sent, outcomes } = slid({ size: 2 });
    const one = run.envelope(1, { timeMs: 100 });
    sent.push(one);
    source.next(one);
    for (let i = 0; i < 5; i += 1) {
      await run.clock.advance(200);
      run.expire();
    }
    expect(outcomes()).toEqual(['open']);
    source.next(run.envelope(2));
    expect(values()).toEqual([[1, 2]]);
  });

  it('gives a record its whole time again for each of its windows', async () => {
    const fed = feed<number, unknown>((source) =>
      source.pipe(
        slidingWindow({ size: 2 }),
        mapConcurrent(
          (values: readonly number[]) =>
            call(async () => {
              await sleep(fed.run.clock, 80);
              return values.length;
            }),
          { concurrency: 1 },
        ),
      ),
    );
    for (const value of [1, 2, 3, 4]) {
      const envelope = fed.run.envelope(value, { timeMs: 100 });
      fed.sent.push(envelope);
      fed.source.next(envelope);
      for (let i = 0; i < 9; i += 1) {
        await fed.run.clock.advance(10); // the next window is there before the time of its first record is up
        fed.run.expire();
      }
    }
    expect(fed.outcomes()).toEqual(['done', 'done', 'done', 'open']);
  });

  it('leaves what it holds to be given back when the stream completes', () => {
    const { send, source, outcomes, ended, run } = slid({ size: 2 });
    send(1, 2);
    source.complete();
    expect([outcomes(), ended()]).toEqual([['done', 'open'], 'complete']);
    run.giveBack('stopped');
    expect(outcomes()).toEqual(['done', 'given-back: stopped']);
  });

  it('takes in what a synchronous consumer sends back, in its turn', () => {
    const fed = feed<number, readonly number[]>((source) =>
      source.pipe(
        slidingWindow({ size: 2, step: 2 }),
        mapValue((window: readonly number[]) => {
          if (window[0] === 1) fed.send(3, 4);
          return window;
        }),
      ),
    );
    fed.send(1, 2);
    expect(fed.values()).toEqual([
      [3, 4],
      [1, 2],
    ]);
  });

  it('costs no more the longer the stream: 20,000 values', () => {
    const { send, out } = slid({ size: 10, step: 5 });
    send(...upTo(20_000));
    expect(out).toHaveLength(3_999);
  });

  describe('in a pipeline', () => {
    const windows = (m: Mill) => (source: Observable<Envelope<Value>>) =>
      source.pipe(
        slidingWindow({ size: 3, within: 'partition' }),
        mapConcurrent(
          (values: readonly Value[]) =>
            call(async () => {
              await sleep(m.clock, 300);
              return values.join('-');
            }),
          { concurrency: 4, order: 'input' },
        ),
      );

    it('makes the same windows over a stop and a start, and none twice', async () => {
      const m = await mill();
      const first = await m.start(windows(m), { ordering: 'none' });
      await m.feed(upTo(5).map((value) => ({ key: null, value })));
      await m.clock.advance(5);
      expect([m.outputs(), first.stats().stages.working]).toEqual([[], 5]); // the calls run
      const before = m.clock.nowMs();
      let drained = 0;
      void first.drain({ deadlineMs: 10_000 }).then(() => (drained = m.clock.nowMs()));
      await m.clock.advance(20_000);
      expect(drained - before).toBeLessThan(1_000); // nothing waits for records that cannot come
      expect(m.committed()).toEqual([3n]);
      await m.start(windows(m), { ordering: 'none' });
      await m.feed([5, 6].map((value) => ({ key: null, value })));
      await m.clock.advance(5_000);
      expect(m.outputs()).toEqual(['0-1-2', '1-2-3', '2-3-4', '3-4-5', '4-5-6']);
      expect(m.committed()).toEqual([5n]);
    });

    it('lets a partition move as soon as its calls have ended', async () => {
      const m = await mill({ partitions: 2 });
      await m.start(windows(m), { ordering: 'none' });
      const feedBoth = (values: readonly number[]) =>
        m.feed([0, 1].flatMap((partition) => values.map((value) => ({ key: null, value: partition * 10 + value, partition }))));
      await feedBoth(upTo(5));
      await m.clock.advance(100);
      expect(m.outputs()).toEqual([]); // the calls run
      await m.start(windows(m), { ordering: 'none' });
      await m.clock.advance(3_000);
      await feedBoth([5]);
      await m.clock.advance(1_000);
      expect(new Set(m.outputs())).toEqual(new Set(['0-1-2', '1-2-3', '2-3-4', '3-4-5', '10-11-12', '11-12-13', '12-13-14', '13-14-15']));
      expect([m.outputs().length, m.committed()]).toEqual([8, [4n, 4n]]);
    });

    it('says so when windows want more than may be in flight, and goes on when a partition is given up', async () => {
      const m = await mill({ partitions: 2 });
      const app = await m.start(windows(m), { ordering: 'none' }, { maxRecordsInFlight: 4 });
      const feedBoth = () => m.feed([0, 1].flatMap((partition) => upTo(5).map((value) => ({ key: null, value, partition }))));
      await m.feed([0, 1].flatMap((partition) => upTo(2).map((value) => ({ key: null, value, partition }))));
      await m.clock.advance(1_000);
      expect([app.stats().troubles, app.stats().stalled]).toEqual([[], undefined]); // it waits for records, and none are there
      await feedBoth();
      await m.clock.advance(1_000);
      expect(app.stats()).toMatchObject({
        recordsInFlight: 4,
        troubles: [expect.stringContaining('nothing moves: all 4 records in flight')],
      });
      expect(app.stats().stalled).toContain('raise maxRecordsInFlight');
      await m.start(windows(m), { ordering: 'none' });
      await m.clock.advance(30_000);
      expect([app.stats().stalled, new Set(m.outputs()).size]).toEqual([undefined, 5]);
    });

    it.each([
      { spec: { ordering: 'key' }, message: "slidingWindow needs ordering: 'none' in definePipeline, got 'key'" },
      { spec: { ordering: 'none', delivery: 'exactly-once' }, message: "slidingWindow with step < size needs delivery: 'at-least-once'" },
      { spec: { ordering: 'none' }, room: 2, message: 'slidingWindow.size must be at most maxRecordsInFlight (2), got 3' },
    ] as const)('stops one with $spec, and says why', async ({ spec, message, ...rest }) => {
      const m = await mill();
      const app = await m.start(windows(m), spec, 'room' in rest ? { maxRecordsInFlight: rest.room } : {});
      const ended = app.done.then(
        () => 'ended',
        (error: unknown) => (error instanceof Error ? error.message : 'failed'),
      );
      await m.feed([{ key: null, value: 1 }]);
      await m.clock.advance(60_000);
      expect(await ended).toContain(message);
      expect(m.committed()).toEqual([0n]);
    });
  });

  it.each<[SlidingWindowOptions, string]>([
    [{ size: 0 }, 'slidingWindow.size must be an integer from 1 to 1000, got 0'],
    [{ size: 2, step: 0 }, 'slidingWindow.step must be an integer >= 1, got 0'],
    [{ size: 2, within: 'key' as never }, 'slidingWindow.within must be one of pipeline, partition, got "key"'],
    [{ size: 2, every: 1 } as never, 'slidingWindow has no option every'],
  ])('refuses %j when it is called', (options, message) => {
    expect(() => slidingWindow(options)).toThrow(message);
  });
});
