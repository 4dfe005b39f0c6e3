import { NEVER, of } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { mapConcurrent } from '../../operators/map-concurrent.ts';
import { mapValue } from '../../operators/map-value.ts';
import { split } from '../../operators/split.ts';
import type { App } from '../../src/runtime/start.ts';
import type { Transaction } from '../../src/transport/transport.ts';
import { type Mill, mill, numbers, sorted, upTo, type Value } from '../helpers/mill.ts';
import { tapped } from '../helpers/pass-through.ts';

const delivery = 'exactly-once';

/** Calls for everything, and counts. */
const working = (calls: Value[], hanging: readonly Value[] = []) =>
  mapConcurrent(
    (v: Value) => {
      calls.push(v);
      return hanging.includes(v) ? NEVER : of(v);
    },
    { concurrency: 100 },
  );

type Step = 'send' | 'storeOffsets' | 'commit';

/** The memory transport with a word before and after each step of a transaction. */
function wrapped({ transport }: Mill, on: (step: Step, when: 'before' | 'after') => Promise<void> | void): ReturnType<typeof tapped> {
  const step = async <T>(name: Step, request: () => Promise<T>): Promise<T> => {
    await on(name, 'before');
    const answer = await request();
    await on(name, 'after');
    return answer;
  };
  const wrap = (transaction: Transaction): Transaction => ({
    send: (...args) => step('send', () => transaction.send(...args)),
    storeOffsets: (...args) => step('storeOffsets', () => transaction.storeOffsets(...args)),
    commit: () => step('commit', () => transaction.commit()),
    abort: () => transaction.abort(),
  });
  return tapped(transport, {
    transact: async (options) => {
      const writer = await transport.transact(options);
      return { begin: async () => wrap(await writer.begin()), close: () => writer.close() };
    },
  });
}

const fatal = new Error('the wire broke');

describe('exactly once', () => {
  it('writes outputs, dead letters and offsets in one transaction, and settles when it is committed', async () => {
    const m = await mill();
    await m.feed(numbers(20));
    const process = mapValue((v: Value) => {
      if (v === 7) throw new Error('no luck');
      return v;
    });
    const app = await m.start((s) => s.pipe(process), { delivery });
    await m.clock.advance(50);
    expect([m.outputs(), m.letters(), app.stats().recordsInFlight, app.stats().bytesOutgoing > 0]).toEqual([[], [], 20, true]);
    await m.clock.advance(1_000);
    expect(sorted(m.outputs())).toEqual(upTo(20).filter((v) => v !== 7));
    expect(m.letters().map(({ value }) => value)).toEqual(['7']);
    expect([m.committed(), app.stats()]).toMatchObject([
      [20n],
      { done: 19, failed: 1, recordsInFlight: 0, bytesOutgoing: 0, transactions: { committed: 1, aborted: 0 } },
    ]);
  });

  it.each([
    { fault: 'before the first send', fails: 'send', when: 'before', nth: 1 },
    { fault: 'after a send', fails: 'send', when: 'after', nth: 1 },
    { fault: 'between sends', fails: 'send', when: 'before', nth: 2 },
    { fault: 'before the offsets', fails: 'storeOffsets', when: 'before', nth: 1 },
    { fault: 'after the offsets', fails: 'storeOffsets', when: 'after', nth: 1 },
    { fault: 'before the commit', fails: 'commit', when: 'before', nth: 1 },
    { fault: 'when the commit was done and its answer is lost', fails: 'commit', when: 'after', nth: 1 },
  ] as const)('loses nothing, repeats nothing and calls nothing again when it fails $fault', async ({ fails, when, nth }) => {
    const m = await mill({ partitions: 2 });
    await m.feed(numbers(40));
    let seen = 0;
    const { transport } = wrapped(m, (step, at) => {
      if (step !== fails || at !== when) return;
      seen += 1;
      if (seen === nth) throw fatal;
    });
    const calls: Value[] = [];
    const app = await m.start((s) => s.pipe(working(calls)), { delivery }, { transport });
    await m.clock.advance(5_000);
    expect([sorted(m.outputs()), calls.length, app.stats().troubles]).toEqual([upTo(40), 40, []]);
    expect(m.committed().reduce((a, b) => a + b)).toBe(40n);
    expect(app.stats().transactions).toEqual({ committed: 2, aborted: fails === 'commit' && when === 'after' ? 0 : 1 });
  });

  it.each([
    { fault: 'answers to sends', arm: (m: Mill) => m.transport.broker.failSends(5, { written: true }) },
    { fault: 'stores of offsets', arm: (m: Mill) => m.transport.broker.failCommits(3, { stored: true }) },
    { fault: 'commits', arm: (m: Mill) => m.transport.broker.failTransactions(3) },
    { fault: 'answers to commits', arm: (m: Mill) => m.transport.broker.failTransactions(3, { committed: true }) },
  ])('survives that the broker loses $fault', async ({ arm }) => {
    const m = await mill({ partitions: 3 });
    arm(m);
    m.transport.broker.delayCompletion(70);
    const calls: Value[] = [];
    const app = await m.start((s) => s.pipe(working(calls)), { delivery });
    for (let fed = 0; fed < 10; fed += 1) {
      await m.feed(upTo(10).map((i) => ({ key: `k${String(i % 7)}`, value: fed * 10 + i, partition: i % 3 })));
      await m.clock.advance(100);
    }
    await m.clock.advance(20_000);
    expect([sorted(m.outputs()), calls.length, app.stats().done, app.stats().troubles]).toEqual([upTo(100), 100, 100, []]);
  });

  it('keeps the order of keys through aborted transactions', async () => {
    const m = await mill();
    await m.feed(numbers(100));
    let sends = 0;
    const { transport } = wrapped(m, (step, when) => {
      if (step === 'send' && when === 'after' && (sends += 1) % 2 === 1) throw fatal;
    });
    await m.start((s) => s.pipe(working([])), { delivery }, { transport, commitEveryRecords: 10, maxRecordsInFlight: 20 });
    await m.clock.advance(30_000);
    expect(sorted(m.outputs())).toEqual(upTo(100));
    for (const values of m.outputsByKey().values()) expect(values).toEqual(sorted(values));
  });

  it('keeps the parts of a record together: none is seen before all are there', async () => {
    const m = await mill();
    await m.feed(numbers(3));
    const app = await m.start(
      (s) =>
        s.pipe(
          split((v) => [v, Number(v) + 100]),
          mapConcurrent((v: Value) => (v === 101 ? NEVER : of(v)), { concurrency: 10 }),
        ),
      { delivery },
    );
    await m.clock.advance(5_000);
    expect([sorted(m.outputs()), m.committed(), app.stats().done]).toEqual([[0, 2, 100, 102], [1n], 2]);
  });

  it('refuses the record that is too large, within the transaction, and its letter names what was written', async () => {
    const m = await mill({ maxRecordBytes: 2_000 });
    await m.feed(numbers(30, 30));
    const app = await m.start((s) => s.pipe(split((v) => (v === 11 ? [v, 'y'.repeat(5_000)] : [v]))), { delivery });
    await m.clock.advance(5_000);
    expect(sorted(m.outputs())).toEqual(upTo(30));
    const [letter] = m.letters();
    const at = m.outputs().indexOf(11);
    expect([m.letters().length, letter?.value, letter?.header('millrace.error.code'), letter?.header('millrace.outputs')]).toEqual([
      1,
      '11',
      'record_too_large',
      `out/0@${String(m.transport.broker.records('out', 0)[at]?.offset)}`,
    ]);
    expect(app.stats()).toMatchObject({ done: 29, failed: 1, transactions: { aborted: 0 } });
  });

  it("with deadLetter 'stop' writes nothing of the failed record, and everything before it", async () => {
    const m = await mill();
    await m.feed(numbers(6, 6));
    const process = mapValue((v: Value) => {
      if (v === 3) throw new Error('no luck');
      return v;
    });
    const app = await m.start((s) => s.pipe(process), { delivery, deadLetter: 'stop' });
    const failed = expect(app.done).rejects.toThrow('no luck');
    await m.clock.advance(5_000);
    await failed;
    expect([app.state, m.committed(), sorted(m.outputs()), m.letters()]).toEqual(['failed', [3n], [0, 1, 2, 4, 5], []]);
    const calls: Value[] = [];
    await m.start((s) => s.pipe(working(calls)), { delivery });
    await m.clock.advance(5_000);
    expect([calls, sorted(m.outputs())]).toEqual([[3], upTo(6)]);
  });

  it('writes nothing twice when an owner of the past wakes up in the middle of its transaction', async () => {
    const m = await mill();
    await m.feed(numbers(20));
    const calls: Value[] = [];
    let expelled = false;
    const sleeper = wrapped(m, async (step, when) => {
      if (expelled || step !== 'storeOffsets' || when !== 'before') return;
      expelled = true;
      const consumer = sleeper.consumer();
      if (consumer) m.transport.broker.expel(consumer, { noticeMs: 3_000 });
      await new Promise<void>((wake) => void m.clock.schedule(1_500, wake));
    });
    const old = await m.start((s) => s.pipe(working(calls)), { delivery }, { transport: sleeper.transport });
    const heir = await m.start((s) => s.pipe(working(calls)), { delivery });
    await m.clock.advance(20_000);
    expect([sorted(m.outputs()), calls.length, m.committed()]).toEqual([upTo(20), 40, [20n]]);
    expect([old.stats().done, heir.stats().done, old.stats().troubles, heir.stats().troubles]).toEqual([0, 20, [], []]);
  });

  it('opens the writer anew when its transaction has lasted too long and the partition is still its own', async () => {
    const m = await mill();
    await m.feed(numbers(20));
    const calls: Value[] = [];
    let slow = true;
    const { transport } = wrapped(m, async (step, when) => {
      if (!slow || step !== 'commit' || when !== 'before') return;
      slow = false;
      await m.transport.transact({ transactionalId: 'mill-in-0' }); // what the end of its time does to a writer, too
    });
    const app = await m.start((s) => s.pipe(working(calls)), { delivery }, { transport });
    await m.clock.advance(10_000);
    expect([sorted(m.outputs()), calls.length, app.stats()]).toMatchObject([
      upTo(20),
      20,
      { done: 20, troubles: [], transactions: { committed: 1, aborted: 1 } },
    ]);
  });

  it('stops rather than write twice when somebody else stores offsets for a partition that is its own', async () => {
    const m = await mill();
    await m.feed(numbers(20));
    let stolen = false;
    const { transport } = wrapped(m, async (step, when) => {
      if (stolen || step !== 'commit' || when !== 'before') return;
      stolen = true;
      const thief = await (await m.transport.transact({ transactionalId: 'mill-in-0' })).begin();
      await thief.storeOffsets('mill', [{ topic: 'in', partition: 0, offset: 13n, metadata: '' }]);
      await thief.commit();
    });
    const app = await m.start((s) => s.pipe(working([])), { delivery }, { transport });
    const failed = expect(app.done).rejects.toMatchObject({
      code: 'fenced',
      message: expect.stringContaining('expected nothing, got 13') as string,
    });
    await m.clock.advance(10_000);
    await failed;
    expect([m.outputs(), app.state]).toEqual([[], 'failed']);
  });

  it('hands partitions over with their last transaction: nothing is called or written again', async () => {
    const m = await mill({ partitions: 4 });
    await m.feed(numbers(400, 40));
    const calls: Value[] = [];
    const apps: App[] = [await m.start((s) => s.pipe(working(calls)), { delivery }, { maxRecordsInFlight: 40 })];
    await m.clock.advance(250);
    apps.push(await m.start((s) => s.pipe(working(calls)), { delivery }, { maxRecordsInFlight: 40 }));
    await m.clock.advance(450);
    expect(apps.map((app) => app.stats().partitions)).toEqual([2, 2]);
    const drained = apps[0]?.drain();
    await m.clock.advance(60_000);
    await drained;
    expect([sorted(m.outputs()), calls.length]).toEqual([upTo(400), 400]);
  });

  it('gives back what is unfinished at a stop, and commits the rest with its map', async () => {
    const m = await mill();
    await m.feed(numbers(10, 10));
    const calls: Value[] = [];
    const app = await m.start((s) => s.pipe(working(calls, [4])), { delivery });
    await m.clock.advance(100);
    const drained = app.drain({ deadlineMs: 50 });
    await m.clock.advance(5_000);
    await drained;
    expect([m.committed(), app.stats().givenBack, sorted(m.outputs())]).toEqual([[4n], 1, upTo(10).filter((v) => v !== 4)]);
    calls.length = 0;
    await m.start((s) => s.pipe(working(calls)), { delivery });
    await m.clock.advance(5_000);
    expect([calls, sorted(m.outputs()), m.committed()]).toEqual([[4], upTo(10), [10n]]);
  });

  it('waits out a broker that is down, and says so', async () => {
    const m = await mill();
    const calls: Value[] = [];
    const app = await m.start((s) => s.pipe(working(calls)), { delivery });
    await m.feed(numbers(10));
    await m.clock.advance(100);
    m.transport.broker.down();
    await m.clock.advance(30_000);
    expect(app.stats().troubles.some((why) => why.startsWith('a transaction for in/0 fails and is tried again'))).toBe(true);
    m.transport.broker.up();
    await m.clock.advance(30_000);
    expect([sorted(m.outputs()), calls.length, app.stats().troubles]).toEqual([upTo(10), 10, []]);
  });
});
