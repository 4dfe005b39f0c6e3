import { describe, expect, it } from 'vitest';
import { numbered } from '../../conformance/transport/world.ts';
import { failure, rig } from './rig.ts';

describe('BrokerControl', () => {
  it('fails planned sends, with and without having written', async () => {
    const { broker, send } = await rig();
    broker.failSends(1);
    broker.failSends(1, { written: true });
    expect(await failure(send(1, 'a'))).toMatchObject({
      code: 'transport_unavailable',
      message: expect.stringContaining('send') as unknown,
    });
    expect(await failure(send(1, 'b'))).toMatchObject({ code: 'transport_unavailable' });
    expect(await send(1, 'c')).toBe(1n);
    expect(broker.records('t', 0)).toHaveLength(2);
  });

  it('fails planned commits, with and without having stored', async () => {
    const { clock, broker, join } = await rig();
    const { watcher, consumer } = await join();
    await clock.advance(0);
    const commit = (offset: bigint) => consumer.commit([{ ...watcher.partition('t', 0), offset, metadata: '' }]);
    broker.failCommits(1);
    expect(await failure(commit(1n))).toMatchObject({ code: 'transport_unavailable' });
    expect(broker.committed('g', 't', 0)).toBeUndefined();
    broker.failCommits(1, { stored: true });
    expect(await failure(commit(2n))).toMatchObject({ code: 'transport_unavailable' });
    expect(broker.committed('g', 't', 0)).toEqual({ offset: 2n, metadata: '' });
    expect(await commit(3n)).toEqual({ fenced: [] });
  });

  it('delays acknowledgements, not the deed; close of a producer waits for them; an outage in between leaves no answer', async () => {
    const { clock, broker, transport } = await rig();
    const producer = await transport.produce();
    broker.delayAcknowledgements(100);
    const log: string[] = [];
    void producer.send('t', 0, numbered(1)).then(() => log.push('acknowledged'));
    void producer.close().then(() => log.push('closed'));
    expect(broker.records('t', 0)).toHaveLength(1);
    await clock.advance(99);
    expect(log).toEqual([]);
    await clock.advance(1);
    expect(log).toEqual(['acknowledged', 'closed']);
    expect(await failure(producer.send('t', 0, []))).toMatchObject({ code: 'transport_failed' });
    const second = await transport.produce();
    const send = failure(second.send('t', 0, numbered(1)));
    broker.down();
    await clock.advance(100);
    expect(await send).toMatchObject({ code: 'transport_unavailable' });
    expect(broker.records('t', 0)).toHaveLength(2);
  });

  it('lets a fetch that is under way arrive after pause, once, and not after revoking has begun', async () => {
    const { clock, broker, send, join } = await rig({ partitions: 2, maxFetchRecords: 1 });
    const first = await join();
    await clock.advance(0);
    broker.delayFetches(10);
    await send(3, 'a');
    await clock.advance(5);
    first.consumer.pause([first.watcher.partition('t', 0)]);
    await clock.advance(100);
    expect(first.watcher.values).toEqual(['a0']);
    await send(1, 'b', 1);
    await clock.advance(5);
    const second = await join();
    await clock.advance(100);
    expect(first.watcher.values).toEqual(['a0']);
    expect(second.watcher.values).toEqual(['b0']);
    expect([...first.watcher.breaches, ...second.watcher.breaches]).toEqual([]);
  });

  it('has one fetch of a partition under way, however much is written meanwhile', async () => {
    const { clock, broker, send, join } = await rig({ maxFetchRecords: 1 });
    const { watcher, consumer } = await join();
    await clock.advance(0);
    broker.delayFetches(10);
    for (const prefix of ['a', 'b', 'c']) {
      await send(1, prefix);
      await clock.advance(1);
    }
    consumer.pause([watcher.partition('t', 0)]);
    await clock.advance(100);
    expect(watcher.values).toEqual(['a0']);
    consumer.resume([watcher.partition('t', 0)]);
    await clock.advance(100);
    expect(watcher.values).toEqual(['a0', 'b0', 'c0']);
  });

  it('leaves no timer behind when a drain ends in time, or when a consumer is closed', async () => {
    const { clock, broker, send, join } = await rig({ partitions: 2, revokeTimeoutMs: 1000 });
    const first = await join();
    await clock.advance(0);
    const second = await join();
    await clock.runUntilIdle();
    expect(second.watcher.owned).toHaveLength(1);
    broker.delayFetches(500);
    await send(1, 'a', 0);
    await clock.advance(0);
    await first.consumer.close();
    await second.consumer.close();
    await clock.runUntilIdle();
    expect(clock.nowMs()).toBe(1_000_000);
  });

  it('takes partitions as lost when revoking lasts beyond revokeTimeoutMs', async () => {
    const { clock, broker, join } = await rig({ partitions: 2, revokeTimeoutMs: 1000 });
    const first = await join();
    await clock.advance(0);
    const before = [0, 1].map((partition) => first.watcher.partition('t', partition));
    const { promise: draining, resolve: drained }: PromiseWithResolvers<void> = Promise.withResolvers();
    first.watcher.whenRevoking = () => draining;
    const second = await join();
    await clock.advance(999);
    expect(second.watcher.owned).toEqual([]);
    await clock.advance(1);
    expect(second.watcher.owned).toEqual(['t/1']);
    expect(first.watcher.seen.at(-1)).toMatchObject({ kind: 'lost', partitions: [{ partition: 1 }] });
    const commits = before.map((part) => ({ ...part, offset: 0n, metadata: '' }));
    expect(await first.consumer.commit(commits)).toMatchObject({ fenced: [{ partition: 1 }] });
    drained(); // too late: it changes nothing
    await clock.advance(0);
    expect(broker.members('g').map(({ owned, revoking }) => [owned, revoking])).toEqual([
      [['t/0'], []],
      [['t/1'], []],
    ]);
  });

  it('keeps memberships over an outage, holds rebalances back until it is over, and says so', async () => {
    const { clock, broker, send, join, transport } = await rig({ partitions: 2 });
    const [first, second] = [await join(), await join()];
    await clock.advance(0);
    await send(1, 'a', 0);
    broker.down('a test');
    await second.consumer.close();
    await clock.advance(1000);
    expect(first.watcher.owned).toEqual(['t/0']);
    expect(first.watcher.values).toEqual([]);
    expect(await failure(transport.describeTopics(['t']))).toMatchObject({
      code: 'transport_unavailable',
      message: expect.stringContaining('a test') as unknown,
    });
    broker.up();
    await clock.advance(0);
    expect(first.watcher.owned).toEqual(['t/0', 't/1']);
    expect(first.watcher.values).toEqual(['a0']);
    const health = first.watcher.seen.flatMap((one) => (one.kind === 'health' ? [one.state] : []));
    expect(health).toEqual([{ state: 'reconnecting', why: 'a test' }, { state: 'ok' }]);
  });

  it('an expelled member reads on until it knows, fenced; an outage does not keep it from joining again', async () => {
    const { clock, broker, send, join } = await rig();
    const first = await join();
    await clock.advance(0);
    const second = await join();
    const zombie = first.watcher.partition('t', 0);
    broker.expel(first.consumer, { noticeMs: 100 });
    await send(2);
    await clock.advance(99);
    expect([first.watcher.values, second.watcher.values]).toEqual([
      ['v0', 'v1'],
      ['v0', 'v1'],
    ]);
    expect(await first.consumer.commit([{ ...zombie, offset: 2n, metadata: '' }])).toEqual({ fenced: [zombie] });
    expect(broker.committed('g', 't', 0)).toBeUndefined();
    broker.down();
    await clock.advance(1);
    expect(first.watcher.owned).toEqual([]);
    broker.up();
    await second.consumer.close();
    await clock.advance(0);
    expect(first.watcher.partition('t', 0).epoch).toBeGreaterThan(zombie.epoch);
    expect([...first.watcher.breaches, ...second.watcher.breaches]).toEqual([]);
  });

  it('loses a partition that it was letting go when it is expelled, and the end of its drain changes nothing', async () => {
    const { clock, broker, join } = await rig({ partitions: 2 });
    const first = await join();
    await clock.advance(0);
    const { promise: draining, resolve: drained }: PromiseWithResolvers<void> = Promise.withResolvers();
    first.watcher.whenRevoking = () => draining;
    const second = await join();
    await clock.advance(0);
    broker.expel(first.consumer);
    await clock.advance(0);
    expect(first.watcher.seen.find(({ kind }) => kind === 'lost')).toMatchObject({ partitions: [{ partition: 0 }, { partition: 1 }] });
    const before = broker.members('g').map(({ owned }) => owned);
    drained();
    await clock.advance(0);
    expect(broker.members('g').map(({ owned }) => owned)).toEqual(before);
    expect(second.watcher.breaches).toEqual([]);
  });

  it('leaves gaps as markers and compaction do, and truncates under a reader', async () => {
    const { clock, broker, send, join } = await rig();
    await send(2, 'a');
    broker.skipOffsets('t', 0, 3);
    expect(await send(3, 'b')).toBe(5n);
    broker.compact('t', 0, ({ offset }) => offset !== 6n);
    broker.skipOffsets('t', 0, 1);
    const { watcher, consumer } = await join();
    await clock.advance(0);
    expect(watcher.records.map(({ offset }) => offset)).toEqual([0n, 1n, 5n, 7n]);
    expect(watcher.fetches.at(-1)?.high).toBe(9n);
    const owned = [watcher.partition('t', 0)];
    consumer.pause(owned);
    await send(4, 'c');
    broker.truncate('t', 0, 11n);
    consumer.resume(owned);
    await clock.advance(0);
    expect(watcher.values.slice(4)).toEqual(['c2', 'c3']);
    broker.appendUndecodable('t', 0, { offsets: 2, reason: 'checksum', bytes: 7 });
    await clock.advance(0);
    expect(watcher.records.at(-1)).toMatchObject({ offset: 14n, undecodable: { firstOffset: 13n, reason: 'checksum', bytes: 7 } });
  });

  it('a handler that throws ends its consumer: lost, then failed, and the others take over', async () => {
    const { clock, join, send } = await rig();
    const first = await join();
    await clock.advance(0);
    const second = await join();
    first.watcher.whenFetched = () => {
      throw new Error('boom');
    };
    await send(1);
    await clock.advance(0);
    expect(first.watcher.seen.slice(-2)).toMatchObject([{ kind: 'lost' }, { kind: 'failed', error: { message: 'boom' } }]);
    expect(second.watcher.values).toEqual(['v0']);
  });
});
