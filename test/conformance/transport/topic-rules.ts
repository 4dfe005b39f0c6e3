import { expect } from 'vitest';
import { TransportError } from '../../../src/errors.ts';
import { formatPartition } from '../../../src/record/record.ts';
import type { Rule } from './rule.ts';
import { numbered, record } from './world.ts';

const twoTopics = ['a', 'b'] as const;

/** Topics, and the life of a transport. */
export const topicRules: readonly Rule[] = [
  {
    rule: 1,
    says: 'failures are TransportErrors, and one that cannot pass is final',
    test: async (world) => {
      const producer = await world.producer();
      const error: unknown = await producer.partitionsOf(world.under.freshName('missing')).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(TransportError);
      expect(error).toMatchObject({ code: 'unknown_topic', retryable: false });
    },
  },
  {
    rule: 2,
    says: 'describeTopics gives low and high of every partition, and leaves out what does not exist',
    test: async (world) => {
      const topic = await world.topic(2);
      const missing = world.under.freshName('missing');
      await world.send(topic, 1, numbered(3));
      const described = await world.transport.describeTopics([missing, topic]);
      expect([...described.keys()]).toEqual([topic]);
      expect(described.get(topic)?.partitions.toSorted((a, b) => a.partition - b.partition)).toEqual([
        { partition: 0, low: 0n, high: 0n },
        { partition: 1, low: 0n, high: 3n },
      ]);
      expect((await world.transport.describeTopics([missing])).size).toBe(0); // asking must not create it
      expect((await world.transport.describeTopics([])).size).toBe(0);
    },
  },
  {
    rule: 3,
    says: 'describeTopics gives the first offset that is kept',
    test: async (world) => {
      const topic = await world.topic();
      await world.send(topic, 0, numbered(5));
      await world.hook('truncate')(topic, 0, 2n);
      await world.eventually(async () => {
        expect((await world.transport.describeTopics([topic])).get(topic)?.partitions).toEqual([{ partition: 0, low: 2n, high: 5n }]);
      });
    },
  },
  {
    rule: 4,
    says: 'createTopics creates what is missing, with as many partitions as asked for or its own default',
    test: async (world) => {
      const [three, default_] = twoTopics.map((prefix) => world.under.freshName(prefix)) as [string, string];
      await world.transport.createTopics([{ name: three, partitions: 3 }, { name: default_ }]);
      const described = await world.transport.describeTopics([three, default_]);
      expect(described.get(three)?.partitions).toHaveLength(3);
      expect(described.get(default_)?.partitions.length).toBeGreaterThanOrEqual(1);
    },
  },
  {
    rule: 5,
    says: 'createTopics leaves what exists untouched, also beside what is missing',
    test: async (world) => {
      const topic = await world.topic(2);
      const beside = world.under.freshName('topic');
      await world.send(topic, 0, numbered(2));
      await world.transport.createTopics([
        { name: topic, partitions: 5 },
        { name: beside, partitions: 1 },
      ]);
      await world.transport.createTopics([{ name: topic }]);
      const described = await world.transport.describeTopics([topic, beside]);
      expect(described.get(topic)?.partitions.map(({ high }) => high)).toEqual([2n, 0n]);
      expect(described.has(beside)).toBe(true);
    },
  },
  {
    rule: 6,
    says: 'a created topic can be written to and read at once',
    test: async (world) => {
      const topic = await world.topic(3);
      await Promise.all([0, 1, 2].map((partition) => world.send(topic, partition, [record(String(partition))])));
      const { watcher } = await world.join(world.group(), [topic]);
      await world.eventually(() => {
        expect([...watcher.values].sort()).toEqual(['0', '1', '2']);
      });
    },
  },
  {
    rule: 7,
    says: 'close of a transport is idempotent and leaves consumers and producers to their owners',
    test: async (world) => {
      const transport = await world.hook('newTransport')();
      const topic = await world.topic();
      const producer = await world.producer(transport);
      const { watcher } = await world.join(world.group(), [topic], { transport });
      await transport.describeTopics([topic]);
      await transport.close();
      await transport.close();
      await producer.send(topic, 0, numbered(2));
      await world.eventually(() => {
        expect(watcher.values).toEqual(['v0', 'v1']);
      });
    },
  },
  {
    rule: 8,
    says: 'consume rejects with unknown_topic when a topic does not exist, and does not create it',
    test: async (world) => {
      const missing = world.under.freshName('missing');
      await expect(world.join(world.group(), [await world.topic(), missing])).rejects.toMatchObject({ code: 'unknown_topic' });
      expect((await world.transport.describeTopics([missing])).size).toBe(0);
    },
  },
  {
    rule: 9,
    says: 'consume resolves when the group was joined, with partitions or without',
    test: async (world) => {
      const topic = await world.topic();
      const group = world.group();
      const owner = await world.joinOwning([formatPartition({ topic, partition: 0 })], group, [topic]);
      const spare = await world.join(group, [topic]);
      await world.send(topic, 0, numbered(1));
      await world.eventually(() => {
        expect([...owner.watcher.values, ...spare.watcher.values]).toContain('v0');
      });
      expect(owner.watcher.owned.length + spare.watcher.owned.length).toBe(1);
    },
  },
  {
    rule: 10,
    says: 'consume rejects with transport_unavailable when the log cannot be reached',
    test: async (world) => {
      const broker = world.hook('bounceBroker');
      const topic = await world.topic();
      await broker.down();
      try {
        await expect(world.join(world.group(), [topic])).rejects.toMatchObject({ code: 'transport_unavailable', retryable: true });
      } finally {
        await broker.up();
      }
    },
  },
  {
    rule: 126,
    says: 'compactedTopics names the compacted ones, which refuse a record without a key, also in a transaction that goes on',
    test: async (world) => {
      const setCompacted = world.hook('setCompacted');
      const [plain, compacted] = [await world.topic(), await world.topic()];
      await setCompacted(compacted);
      await world.eventually(async () => {
        const found = await world.transport.compactedTopics?.([plain, compacted, world.under.freshName('missing')]);
        expect(found).toEqual(new Set([compacted]));
      });
      await expect(world.send(compacted, 0, [record('v')])).rejects.toMatchObject({ code: 'record_rejected' });
      const writer = await world.transact();
      const transaction = await writer.begin();
      await expect(transaction.send(compacted, 0, [record('v')])).rejects.toMatchObject({ code: 'record_rejected' });
      const key = new Uint8Array([107]);
      await transaction.send(compacted, 0, [record('w', { key })]);
      await transaction.commit();
      await world.send(compacted, 0, [record('x', { key })]);
      const { watcher } = await world.join(world.group(), [compacted]);
      await world.eventually(() => {
        expect(watcher.values).toEqual(['w', 'x']);
      });
    },
  },
];
