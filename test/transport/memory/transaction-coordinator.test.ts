import { describe, expect, it } from 'vitest';
import type { MemoryOptions } from '../../../src/transport/memory/memory.ts';
import { numbered } from '../../conformance/transport/world.ts';
import { failure, rig } from './rig.ts';

const stored = (offset: bigint) => [{ topic: 't', partition: 0, offset, metadata: '' }];

/** A rig with a writer `w`, and short ways to see what a reader sees. */
async function writing(options: MemoryOptions = {}) {
  const r = await rig(options);
  const { watcher } = await r.join({ groupId: 'reader' });
  const writer = await r.transport.transact({ transactionalId: 'w', timeoutMs: 1_000 });
  const seen = async (): Promise<readonly string[]> => {
    await r.clock.advance(0);
    return watcher.values;
  };
  const committed = async (): Promise<bigint | undefined> => (await r.transport.committed('g', stored(0n)))[0]?.offset;
  const transact = () => r.transport.transact({ transactionalId: 'w', timeoutMs: 1_000 });
  return { ...r, watcher, writer, seen, committed, transact };
}

describe('transactions on the memory broker', () => {
  it.each([
    { committed: false, outcome: [[], undefined] },
    { committed: true, outcome: [['v0'], 1n] },
  ])('loses the answer of a commit that was carried out: $committed; the next writer tells', async ({ committed, outcome }) => {
    const { broker, writer, seen, committed: offset, transact } = await writing();
    const transaction = await writer.begin();
    await transaction.send('t', 0, numbered(1));
    await transaction.storeOffsets('g', stored(1n));
    broker.failTransactions(1, { committed });
    expect(await failure(transaction.commit())).toMatchObject({ code: 'transport_unavailable' });
    expect(await failure(writer.begin())).toMatchObject({
      code: 'transport_unavailable',
      message: expect.stringContaining('spent') as unknown,
    });
    const next = await transact();
    expect([await seen(), await offset()]).toEqual(outcome);
    const again = await next.begin();
    await again.send('t', 0, numbered(1, 'again'));
    await again.commit(); // only one was planned
    expect((await seen()).at(-1)).toBe('again0');
  });

  it.each(['send', 'storeOffsets', 'commit', 'abort', 'begin'] as const)('fences a writer whose %s is under way', async (step) => {
    const { clock, broker, writer, seen, committed, transact } = await writing();
    const transaction = await writer.begin();
    if (step !== 'begin') await transaction.send('t', 0, numbered(1));
    if (step === 'begin') await transaction.abort();
    broker.delayTransactions(100);
    const late = failure(
      {
        send: () => transaction.send('t', 0, numbered(1)),
        storeOffsets: () => transaction.storeOffsets('g', stored(1n)),
        commit: () => transaction.commit(),
        abort: () => transaction.abort(),
        begin: () => writer.begin(),
      }[step](),
    );
    await clock.advance(50);
    broker.delayTransactions(0);
    await transact();
    await clock.advance(50);
    expect(await late).toMatchObject({ code: 'fenced', message: expect.stringContaining('w was taken over') as unknown });
    expect([await seen(), await committed()]).toEqual([[], undefined]);
  });

  it('carries a commit out late, after the answer: nothing is seen before, then everything at once, and the next transaction waits', async () => {
    const { clock, broker, writer, seen, committed } = await writing({ partitions: 2 });
    broker.delayCompletion(50);
    const transaction = await writer.begin();
    for (const partition of [0, 1]) await transaction.send('t', partition, numbered(1, `p${String(partition)}-`));
    await transaction.storeOffsets('g', stored(1n));
    await transaction.commit();
    const next = await writer.begin();
    const sent = next.send('t', 0, numbered(1, 'next'));
    await clock.advance(49);
    expect([await seen(), await committed()]).toEqual([[], undefined]);
    await clock.advance(1);
    expect([[...(await seen())].sort(), await committed()]).toEqual([['p0-0', 'p1-0'], 1n]);
    expect(await sent).toBe(2n); // behind the marker
  });

  it('a fence carries out what was decided, and the timer that comes later finds nothing to do', async () => {
    const { clock, broker, writer, seen, committed, transact } = await writing();
    broker.delayCompletion(50);
    const transaction = await writer.begin();
    await transaction.send('t', 0, numbered(1));
    await transaction.storeOffsets('g', stored(1n));
    await transaction.commit();
    const next = await transact();
    expect([await seen(), await committed()]).toEqual([['v0'], 1n]);
    const open = await next.begin();
    await open.send('t', 0, numbered(1, 'open'));
    await clock.advance(100);
    expect(await seen()).toEqual(['v0']);
    await open.abort();
  });

  it('aborts a transaction when its time is over, not before, and each has its own time', async () => {
    const { clock, writer, send, seen, broker } = await writing();
    const quick = await writer.begin();
    await quick.send('t', 0, numbered(1, 'quick'));
    await clock.advance(900);
    await quick.commit();
    const slow = await writer.begin();
    await clock.advance(900); // it begins with its first record
    await slow.send('t', 0, numbered(1, 'slow'));
    await send(1, 'behind');
    await clock.advance(999);
    expect(await seen()).toEqual(['quick0']);
    await clock.advance(1);
    expect(await seen()).toEqual(['quick0', 'behind0']);
    expect(await failure(slow.commit())).toMatchObject({ code: 'fenced' });
    expect(broker.records('t', 0)).toHaveLength(2);
    await clock.runUntilIdle(); // no timer is left
  });

  it.each([true, false])(
    'is spent by a send whose answer was lost (written: %s), and close leaves the abort to the log',
    async (written) => {
      const { clock, broker, writer, send, seen } = await writing();
      const transaction = await writer.begin();
      await transaction.send('t', 0, numbered(1, 'first'));
      broker.failSends(1, { written });
      expect(await failure(transaction.send('t', 0, numbered(1, 'second')))).toMatchObject({ code: 'transport_unavailable' });
      expect(await failure(transaction.commit())).toMatchObject({ code: 'transport_unavailable' });
      await writer.close();
      await send(1, 'behind');
      expect(await seen()).toEqual([]);
      await clock.advance(1_000);
      expect(await seen()).toEqual(['behind0']);
    },
  );

  it('loses the answer of stored offsets; with the store they belong to the transaction', async () => {
    const { broker, writer, committed, transact } = await writing();
    broker.failCommits(1, { stored: true });
    const transaction = await writer.begin();
    expect(await failure(transaction.storeOffsets('g', stored(1n)))).toMatchObject({ code: 'transport_unavailable' });
    await transact();
    expect(await committed()).toBeUndefined();
  });

  it('keeps what a transaction stored from the group of whoever stored it, member or not', async () => {
    const { clock, join, transport, writer, committed } = await writing();
    const { watcher, consumer } = await join();
    await clock.advance(0);
    const part = watcher.partition('t', 0);
    await consumer.commit([{ ...part, offset: 0n, metadata: 'member' }]);
    const transaction = await writer.begin();
    await transaction.storeOffsets('g', stored(5n));
    await transaction.commit();
    expect(await committed()).toBe(5n);
    expect(transport.broker.committed('g', 't', 0)).toEqual({ offset: 5n, metadata: '' });
  });

  it('refuses metadata of more than 4,096 bytes and a partition that is not there', async () => {
    const { writer, transact } = await writing();
    const transaction = await writer.begin();
    const long = [{ topic: 't', partition: 0, offset: 1n, metadata: 'x'.repeat(4097) }];
    expect(await failure(transaction.storeOffsets('g', long))).toMatchObject({ code: 'transport_failed' });
    const next = await (await transact()).begin();
    expect(await failure(next.send('t', 9, numbered(1)))).toMatchObject({ code: 'unknown_topic' });
  });

  it('reads where partitions start when the broker is back, if it went away during beforeStart', async () => {
    const { clock, broker, join, writer } = await writing();
    const { promise: opened, resolve: open }: PromiseWithResolvers<void> = Promise.withResolvers();
    const { watcher } = await join({ beforeStart: () => opened });
    await clock.advance(0);
    const transaction = await writer.begin();
    await transaction.storeOffsets('g', stored(0n));
    await transaction.commit();
    broker.down();
    open();
    await clock.advance(100);
    expect(watcher.owned).toEqual([]);
    broker.up();
    await clock.advance(0);
    expect(watcher.assignments.get('t/0')).toMatchObject({ committed: { offset: 0n } });
  });
});
