import { map, NEVER, of, shareReplay, Subject, take } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { mapConcurrent } from '../../operators/map-concurrent.ts';
import type { ConsumeHandlers, OwnedPartition, Transport } from '../../src/transport/transport.ts';
import { type Mill, mill, numbers, sorted, upTo, type Value } from '../helpers/mill.ts';
import { tapped } from '../helpers/pass-through.ts';

/** Calls for everything, of which those for `hanging` never end. */
const working = (calls: Value[], hanging: readonly Value[]) =>
  mapConcurrent(
    (v: Value) => {
      calls.push(v);
      return hanging.includes(v) ? NEVER : of(v);
    },
    { concurrency: 100 },
  );

/** A transport whose user can be cut off: it leaves its group without a word. */
function mortal({ transport: inner }: Mill): { readonly transport: Transport; readonly crash: () => Promise<void> } {
  const { transport, consumer } = tapped(inner);
  return { transport, crash: async () => consumer()?.close() };
}

const nothing = (): void => undefined;
const deaf: ConsumeHandlers = {
  ...{ assigned: nothing, revoking: () => Promise.resolve(), lost: nothing, fetched: nothing, health: nothing, failed: nothing },
};

describe('what is completed behind an unfinished record', () => {
  it('is not run again after a crash', async () => {
    const m = await mill();
    await m.feed(numbers(20, 20));
    const [before, after]: [Value[], Value[]] = [[], []];
    const { transport, crash } = mortal(m);
    const app = await m.start((s) => s.pipe(working(before, [0, 7])), {}, { transport });
    await m.clock.advance(1_000);
    expect([before.length, m.committed(), app.stats()]).toEqual([20, [0n], expect.objectContaining({ done: 18, settledBeyond: 18 })]);
    await crash();
    const heir = await m.start((s) => s.pipe(working(after, [])));
    await m.clock.advance(1_000);
    expect([after, sorted(m.outputs()), m.committed()]).toEqual([[0, 7], upTo(20), [20n]]);
    expect(heir.stats()).toMatchObject({ done: 2, completedBefore: 18, recordsInFlight: 0, lag: 0n, mapShare: 0 });
  });

  it('is not run again when retention has passed the unfinished one meanwhile', async () => {
    const m = await mill();
    await m.feed(numbers(20, 20));
    const [before, after]: [Value[], Value[]] = [[], []];
    const { transport, crash } = mortal(m);
    await m.start((s) => s.pipe(working(before, [0, 7, 12])), {}, { transport });
    await m.clock.advance(1_000);
    await crash();
    m.transport.broker.truncate('in', 0, 10n);
    const heir = await m.start((s) => s.pipe(working(after, [])));
    await m.clock.advance(1_000);
    expect([after, m.committed()]).toEqual([[12], [20n]]);
    expect(heir.stats()).toMatchObject({ done: 1, completedBefore: 9 });
  });

  it('is not run again after a stop in order, nor are those that waited for the unfinished one forgotten', async () => {
    const m = await mill();
    await m.feed([0, 1, 2, 3, 4, 5].map((value) => ({ key: value % 2 === 0 ? 'slow' : 'fast', value })));
    const [before, after]: [Value[], Value[]] = [[], []];
    const app = await m.start((s) => s.pipe(working(before, [0])));
    await m.clock.advance(1_000);
    const drained = app.drain({ deadlineMs: 100 });
    await m.clock.advance(5_000);
    await drained;
    expect(before).toEqual([0, 1, 3, 5]);
    await m.start((s) => s.pipe(working(after, [])));
    await m.clock.advance(1_000);
    expect([after, sorted(m.outputs()), m.committed()]).toEqual([[0, 2, 4], upTo(6), [6n]]);
  });

  it('is known to every later owner, through several crashes and gaps in the log', async () => {
    const m = await mill();
    await m.feed(numbers(60, 60).slice(0, 30));
    m.transport.broker.skipOffsets('in', 0, 3);
    await m.feed(numbers(60, 60).slice(30));
    const calls: Value[] = [];
    for (const hanging of [upTo(60).filter((v) => v % 3 > 0), upTo(60).filter((v) => v % 3 > 1), []]) {
      const { transport, crash } = mortal(m);
      await m.start((s) => s.pipe(working(calls, hanging)), {}, { transport });
      await m.clock.advance(1_000);
      await crash();
    }
    expect(m.outputs()).toHaveLength(60);
    expect(calls).toHaveLength(60 + 40 + 20);
  });

  it('is not forgotten by a commit of an owner that has not read so far', async () => {
    const m = await mill();
    await m.feed(numbers(20, 20));
    const [first, second, third]: [Value[], Value[], Value[]] = [[], [], []];
    const run = async (calls: Value[], hanging: readonly Value[], maxRecordsInFlight: number): Promise<void> => {
      const { transport, crash } = mortal(m);
      await m.start((s) => s.pipe(working(calls, hanging)), {}, { transport, maxRecordsInFlight });
      await m.clock.advance(1_000);
      await crash();
    };
    await run(first, [0, 1, 2, 12], 100);
    await run(second, [1, 2], 2); // its window is full before it comes to what was completed
    await run(third, [], 100);
    expect([second, third, sorted(m.outputs()), m.committed()]).toEqual([[0, 1, 2], [1, 2, 12], upTo(20), [20n]]);
  });

  it('goes with a partition that another member is given', async () => {
    const m = await mill({ partitions: 2 });
    await m.feed(numbers(40, 40));
    const [first, second]: [Value[], Value[]] = [[], []];
    const hanging = upTo(40).filter((v) => v < 6);
    await m.start((s) => s.pipe(working(first, hanging)), {}, { revokeDeadlineMs: 100 });
    await m.clock.advance(1_000);
    await m.start((s) => s.pipe(working(second, [])));
    await m.clock.advance(5_000);
    expect(first).toHaveLength(40);
    expect(second.length).toBeGreaterThan(0);
    expect(second.every((v) => hanging.includes(Number(v)))).toBe(true);
  });

  it('takes nothing more when the map is full, and goes on when the first records have ended', async () => {
    const m = await mill();
    const count = 40_000;
    const ending = new Subject<void>();
    const ended = ending.pipe(shareReplay({ bufferSize: 1, refCount: false }));
    ended.subscribe();
    // every second call hangs, so that the map needs a bit for each
    const work = mapConcurrent(
      (v: Value) =>
        Number(v) % 2 === 0
          ? ended.pipe(
              map(() => v),
              take(1),
            )
          : of(v),
      { concurrency: count },
    );
    const options = { maxAboveWatermark: count, maxRecordsInFlight: count };
    const app = await m.start((s) => s.pipe(work), { ordering: 'none' }, options);
    for (let fed = 0; fed < count; fed += 1_000) {
      await m.feed(upTo(1_000).map((i) => ({ key: null, value: fed + i, partition: 0 })));
      await m.clock.advance(250);
    }
    const { done, mapShare } = app.stats();
    expect([done > 8_000, done < 12_000, mapShare > 0.75, mapShare <= 1]).toEqual([true, true, true, true]);
    ending.next();
    await m.clock.advance(20_000);
    expect([app.stats().done, m.committed()]).toEqual([count, [BigInt(count)]]);
  });

  it.each([
    { unreadableMetadata: 'fail', state: 'failed' },
    { unreadableMetadata: 'ignore', state: 'running' },
  ] as const)('$unreadableMetadata: what another program has stored there', async ({ unreadableMetadata, state }) => {
    const m = await mill();
    await m.feed(numbers(3));
    const other = await m.transport.consume(
      { groupId: 'mill', topics: ['in'], from: 'earliest' },
      { ...deaf, assigned: ([one]) => void (one && commit(one)) },
    );
    const commit = ({ topic, partition, epoch }: OwnedPartition): Promise<unknown> =>
      other.commit([{ topic, partition, epoch, offset: 1n, metadata: '{"mine":true}' }]);
    await m.clock.advance(1_000);
    await other.close();
    const app = await m.start((s) => s, {}, { unreadableMetadata });
    const failure = app.done.catch((error: unknown) => error);
    await m.clock.advance(5_000);
    expect([app.state, sorted(m.outputs())]).toEqual([state, state === 'failed' ? [] : [1, 2]]);
    if (state === 'failed')
      expect(await failure).toMatchObject({
        code: 'unreadable_metadata',
        message: expect.stringMatching(/"\{\\"mine\\":true\}" beside offset 1 of in\/0.*groupId of its own/) as unknown,
      });
  });
});
