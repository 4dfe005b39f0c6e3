import { expect } from 'vitest';
import { formatPartition } from '../../../src/record/record.ts';
import type { OffsetCommit, OwnedPartition } from '../../../src/transport/transport.ts';
import { gate } from './gate.ts';
import { shared } from './ownership-rules.ts';
import type { Rule } from './rule.ts';
import type { Watcher } from './watcher.ts';
import { type Joined, numbered, type World } from './world.ts';

const commitOf = (part: OwnedPartition, offset: bigint, metadata = ''): OffsetCommit => ({ ...part, offset, metadata });
const assignmentOf = (watcher: Watcher, topic: string, partition = 0) => watcher.assignments.get(formatPartition({ topic, partition }));

async function owner(world: World, topic: string, group: string): Promise<Joined & { readonly part: OwnedPartition }> {
  const joined = await world.joinOwning([formatPartition({ topic, partition: 0 })], group, [topic]);
  return { ...joined, part: joined.watcher.partition(topic, 0) };
}

/** What a group remembers, and who may change it. */
export const commitRules: readonly Rule[] = [
  {
    rule: 50,
    says: 'the next owner starts at the committed offset and is given it with its metadata',
    test: async (world) => {
      const topic = await world.topic();
      const group = world.group();
      await world.send(topic, 0, numbered(5));
      const first = await owner(world, topic, group);
      expect(await first.consumer.commit([commitOf(first.part, 1n, 'early')])).toEqual({ fenced: [] });
      expect(await first.consumer.commit([commitOf(first.part, 3n, 'späte 日本')])).toEqual({ fenced: [] });
      await world.close(first);
      const { watcher } = await world.join(group, [topic]);
      await world.eventually(() => {
        expect(watcher.values).toEqual(['v3', 'v4']);
      });
      expect(assignmentOf(watcher, topic)).toMatchObject({
        committed: { offset: 3n, metadata: 'späte 日本' },
        start: 3n,
        reset: undefined,
      });
    },
  },
  {
    rule: 51,
    says: 'an offset at the end of the log is a place to start; what is written later arrives, whatever from says',
    test: async (world) => {
      const topic = await world.topic();
      const group = world.group();
      await world.send(topic, 0, numbered(2, 'a'));
      const first = await owner(world, topic, group);
      await first.consumer.commit([commitOf(first.part, 2n)]);
      await world.close(first);
      await world.send(topic, 0, numbered(2, 'b'));
      const { watcher } = await world.join(group, [topic], { from: 'latest' });
      await world.eventually(() => {
        expect(watcher.values).toEqual(['b0', 'b1']);
      });
      expect(assignmentOf(watcher, topic)).toMatchObject({ committed: { offset: 2n, metadata: '' }, start: 2n, reset: undefined });
    },
  },
  {
    rule: 52,
    says: 'where the committed offset is no longer in the log, delivery starts at the first record kept, and reset says so',
    test: async (world) => {
      const topic = await world.topic();
      const group = world.group();
      await world.send(topic, 0, numbered(6));
      const first = await owner(world, topic, group);
      await first.consumer.commit([commitOf(first.part, 1n, 'm')]);
      await world.close(first);
      await world.hook('truncate')(topic, 0, 4n);
      const { watcher } = await world.join(group, [topic], { from: 'latest' });
      await world.eventually(() => {
        expect(watcher.values).toEqual(['v4', 'v5']);
      });
      expect(assignmentOf(watcher, topic)).toMatchObject({ committed: { offset: 1n, metadata: 'm' }, start: 4n, reset: 'out-of-range' });
    },
  },
  {
    rule: 53,
    says: 'metadata of 4,096 bytes comes back whole',
    test: async (world) => {
      const topic = await world.topic();
      const group = world.group();
      const metadata = 'abcdefgh'.repeat(512);
      const first = await owner(world, topic, group);
      await first.consumer.commit([commitOf(first.part, 0n, metadata)]);
      await world.close(first);
      const { watcher } = await owner(world, topic, group);
      expect(assignmentOf(watcher, topic)?.committed).toEqual({ offset: 0n, metadata });
    },
  },
  {
    rule: 54,
    says: 'commits while revoking lasts are taken, and the next owner starts at them',
    test: async (world) => {
      const topic = await world.topic(2);
      const group = world.group();
      for (const partition of [0, 1]) await world.send(topic, partition, numbered(4, `${String(partition)}-`));
      const first = await world.join(group, [topic]);
      await world.eventually(() => {
        expect(first.watcher.records).toHaveLength(8);
      });
      const fenced: unknown[] = [];
      const draining = gate();
      first.watcher.whenRevoking = async (partitions) => {
        await draining.opened;
        fenced.push(await first.consumer.commit(partitions.map((part) => commitOf(part, 3n, 'drained'))));
      };
      const second = await world.join(group, [topic]);
      await world.eventually(() => {
        expect(first.watcher.seen.some(({ kind }) => kind === 'revoking')).toBe(true);
      });
      await world.quiet();
      draining.open();
      await shared(world, topic, 2, [first, second]);
      expect(fenced).toEqual([{ fenced: [] }]);
      await world.eventually(() => {
        expect(second.watcher.values).toEqual([`${second.watcher.owned[0]?.slice(-1) ?? ''}-3`]);
      });
      const [assigned] = second.watcher.assignments.values();
      expect(assigned).toMatchObject({ committed: { offset: 3n, metadata: 'drained' }, start: 3n, reset: undefined });
    },
  },
  {
    rule: 55,
    says: 'a commit whose epoch is over is left out and returned as fenced; others in the same call are stored',
    test: async (world) => {
      const topic = await world.topic(2);
      const group = world.group();
      for (const partition of [0, 1]) await world.send(topic, partition, numbered(4));
      const first = await world.joinOwning(
        [0, 1].map((partition) => formatPartition({ topic, partition })),
        group,
        [topic],
      );
      const old = [0, 1].map((partition) => first.watcher.partition(topic, partition));
      const second = await world.join(group, [topic]);
      await shared(world, topic, 2, [first, second]);
      const [gone] = old.filter((part) => second.watcher.owned.includes(formatPartition(part)));
      const [kept] = old.filter((part) => part !== gone);
      if (!gone || !kept) throw new Error('one partition moves and one stays');
      const heirs = second.watcher.partition(topic, gone.partition);
      expect(await second.consumer.commit([commitOf(heirs, 2n, 'heir')])).toEqual({ fenced: [] });
      expect(await first.consumer.commit([commitOf(gone, 1n, 'zombie'), commitOf(kept, 3n, 'mine')])).toEqual({ fenced: [gone] });
      await world.close(first);
      await world.close(second);
      const third = await world.joinOwning(old.map(formatPartition), group, [topic]);
      expect(assignmentOf(third.watcher, topic, gone.partition)?.committed).toEqual({ offset: 2n, metadata: 'heir' });
      expect(assignmentOf(third.watcher, topic, kept.partition)?.committed).toEqual({ offset: 3n, metadata: 'mine' });
    },
  },
  {
    rule: 56,
    says: 'what was never owned is fenced, also an epoch that never was',
    test: async (world) => {
      const topic = await world.topic();
      const { consumer, part } = await owner(world, topic, world.group());
      const strangers = [
        { ...part, epoch: part.epoch + 1000 },
        { ...part, topic: world.under.freshName('other') },
      ];
      expect(await consumer.commit(strangers.map((one) => commitOf(one, 1n)))).toEqual({ fenced: strangers });
      expect(await consumer.commit([])).toEqual({ fenced: [] });
    },
  },
  {
    rule: 57,
    says: 'a member that was cut off cannot move the offset of its heir, before it knows or after it has joined again',
    test: async (world) => {
      const expel = world.hook('expel');
      const topic = await world.topic(2);
      const group = world.group();
      for (const partition of [0, 1]) await world.send(topic, partition, numbered(4));
      const [first, second] = [await world.join(group, [topic]), await world.join(group, [topic])];
      await shared(world, topic, 2, [first, second]);
      const [part] = [0, 1]
        .filter((partition) => first.watcher.owned.includes(formatPartition({ topic, partition })))
        .map((partition) => first.watcher.partition(topic, partition));
      if (!part) throw new Error('the first member owns one partition');
      await first.consumer.commit([commitOf(part, 1n, 'first')]);
      await expel(first.consumer);
      expect(await first.consumer.commit([commitOf(part, 2n, 'zombie')])).toEqual({ fenced: [part] });
      await world.eventually(() => {
        expect(first.watcher.seen.some(({ kind }) => kind === 'lost')).toBe(true);
      });
      await shared(world, topic, 2, [first, second]);
      expect(await first.consumer.commit([commitOf(part, 2n, 'zombie')])).toEqual({ fenced: [part] });
      await world.close(first);
      await world.close(second);
      const third = await world.joinOwning(
        [0, 1].map((partition) => formatPartition({ topic, partition })),
        group,
        [topic],
      );
      expect(assignmentOf(third.watcher, topic, part.partition)?.committed).toEqual({ offset: 1n, metadata: 'first' });
    },
  },
  {
    rule: 58,
    says: 'a commit while the broker is away rejects with transport_unavailable, and works when it is back',
    test: async (world) => {
      const broker = world.hook('bounceBroker');
      const topic = await world.topic();
      const { consumer, watcher } = await owner(world, topic, world.group());
      await broker.down();
      try {
        await expect(consumer.commit([commitOf(watcher.partition(topic, 0), 0n)])).rejects.toMatchObject({
          code: 'transport_unavailable',
          retryable: true,
        });
      } finally {
        await broker.up();
      }
      await world.eventually(async () => {
        expect(await consumer.commit([commitOf(watcher.partition(topic, 0), 0n, 'after')])).toEqual({ fenced: [] });
      });
    },
  },
  {
    rule: 59,
    says: 'after a commit that threw nothing is known of what was stored',
    untestable: 'it is a permission; the memory broker plans such failures for the tests of the committer',
  },
];
