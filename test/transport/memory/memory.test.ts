import { describe, expect, it } from 'vitest';
import { memory, type MemoryOptions } from '../../../src/transport/memory/memory.ts';
import { record } from '../../conformance/transport/world.ts';
import { failure, rig } from './rig.ts';

describe('memory in virtual time', () => {
  it('delivers within the same instant, never within the call, and leaves no timer behind', async () => {
    const { clock, send, join } = await rig();
    const { watcher } = await join();
    expect(watcher.seen).toEqual([]);
    await send(3);
    expect(watcher.seen).toEqual([]);
    await clock.runUntilIdle();
    expect(watcher.values).toEqual(['v0', 'v1', 'v2']);
    expect(clock.nowMs()).toBe(1_000_000);
    expect(watcher.breaches).toEqual([]);
  });

  it('delivers at most maxFetchRecords at once, and gives timers their turn in a long backlog', async () => {
    const { clock, send, join } = await rig({ maxFetchRecords: 10 });
    await send(1000);
    let seenByTimer: number | undefined;
    const { watcher } = await join();
    clock.schedule(0, () => {
      clock.schedule(0, () => {
        seenByTimer = watcher.records.length;
      });
    });
    await clock.advance(0);
    expect(watcher.records).toHaveLength(1000);
    expect(Math.max(...watcher.fetches.map(({ records }) => records.length))).toBe(10);
    expect(seenByTimer).toBeLessThan(500);
  });

  it('shares turns among partitions', async () => {
    const { clock, send, join } = await rig({ partitions: 2, maxFetchRecords: 1 });
    await send(3, 'a', 0);
    await send(3, 'b', 1);
    const { watcher } = await join();
    await clock.advance(0);
    expect(watcher.values).toEqual(['a0', 'b0', 'a1', 'b1', 'a2', 'b2']);
  });

  it('starts at the first record kept when more was committed than the log ever held', async () => {
    const { clock, send, join } = await rig();
    await send(2);
    const first = await join();
    await clock.advance(0);
    await first.consumer.commit([{ ...first.watcher.partition('t', 0), offset: 3n, metadata: '' }]);
    await first.consumer.close();
    const { watcher } = await join({ from: 'latest' });
    await clock.advance(0);
    expect(watcher.assignments.get('t/0')).toMatchObject({ committed: { offset: 3n }, start: 0n, reset: 'out-of-range' });
    expect(watcher.values).toEqual(['v0', 'v1']);
  });

  it('keeps retentionBytes, the last record whatever its size, and lets readers go on at the first kept', async () => {
    const { clock, broker, send, join, transport } = await rig({ retentionBytes: 3 * 66 });
    const { watcher, consumer } = await join();
    await clock.advance(0);
    const owned = [watcher.partition('t', 0)];
    consumer.pause(owned);
    await send(9);
    expect(broker.records('t', 0).map(({ offset }) => offset)).toEqual([6n, 7n, 8n]);
    expect((await transport.describeTopics(['t'])).get('t')?.partitions[0]).toEqual({ partition: 0, low: 6n, high: 9n });
    consumer.resume(owned);
    await clock.advance(0);
    expect(watcher.values).toEqual(['v6', 'v7', 'v8']);
    broker.append('t', 0, [record('x'.repeat(1000))]);
    expect(broker.records('t', 0)).toHaveLength(1);
  });
});

describe('options and requests of memory', () => {
  it.each<[what: string, options: MemoryOptions]>([
    ['partitions', { partitions: 0 }],
    ['retentionBytes', { retentionBytes: 0 }],
    ['maxRecordBytes', { maxRecordBytes: -1 }],
    ['maxFetchRecords', { maxFetchRecords: 1.5 }],
    ['revokeTimeoutMs', { revokeTimeoutMs: Number.NaN }],
  ])('refuses %s out of range', (what, options) => {
    expect(() => memory(options)).toThrow(what);
  });

  it('says what to do about a topic or partition that does not exist', async () => {
    const { transport, send } = await rig({ partitions: 2 });
    const producer = await transport.produce();
    expect(await failure(producer.partitionsOf('nope'))).toMatchObject({
      code: 'unknown_topic',
      message: 'topic "nope" does not exist: create it with createTopics, or run with --create-topics',
    });
    expect(await failure(send(1, 'v', 2))).toMatchObject({
      code: 'unknown_topic',
      message: 'expected a partition of topic t from 0 to 1, got 2',
    });
  });

  it.each(['', '..', 'a b', 'a/b', 'x'.repeat(250)])('refuses the topic name %j, as Kafka does', async (name) => {
    const { transport } = await rig();
    expect(await failure(transport.createTopics([{ name }]))).toMatchObject({ code: 'invalid_option' });
  });

  it('counts a whole send against maxRecordBytes, and writes none of it', async () => {
    const { broker, send } = await rig({ maxRecordBytes: 132 });
    expect(await send(2)).toBe(0n);
    expect(await failure(send(3))).toMatchObject({
      code: 'record_too_large',
      message: '3 records in one send of 198 bytes for t/0 exceeds maxRecordBytes (132)',
    });
    expect(broker.records('t', 0)).toHaveLength(2);
  });

  it('refuses metadata above 4,096 bytes, and stores nothing of that commit', async () => {
    const { clock, broker, join } = await rig();
    const { watcher, consumer } = await join();
    await clock.advance(0);
    const commit = (metadata: string) => consumer.commit([{ ...watcher.partition('t', 0), offset: 1n, metadata }]);
    expect(await failure(commit('ü'.repeat(2049)))).toMatchObject({ code: 'transport_failed' });
    expect(broker.committed('g', 't', 0)).toBeUndefined();
    expect(await commit('ü'.repeat(2048))).toEqual({ fenced: [] });
  });

  it('refuses a consumer without topics, and one of a missing topic before it joins', async () => {
    const { broker, join } = await rig();
    expect(await failure(join({ topics: [] }))).toMatchObject({ code: 'invalid_option' });
    expect(await failure(join({ topics: ['t', 'nope'] }))).toMatchObject({ code: 'unknown_topic' });
    expect(broker.members('g')).toEqual([]);
  });
});
