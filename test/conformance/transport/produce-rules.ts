import { expect } from 'vitest';
import type { Rule } from './rule.ts';
import { numbered, record } from './world.ts';

/** Writing. */
export const produceRules: readonly Rule[] = [
  {
    rule: 60,
    says: 'partitionsOf counts the partitions, and rejects with unknown_topic where there is no topic',
    test: async (world) => {
      const producer = await world.producer();
      expect(await producer.partitionsOf(await world.topic(4))).toBe(4);
      const missing = world.under.freshName('missing');
      await expect(producer.partitionsOf(missing)).rejects.toMatchObject({
        code: 'unknown_topic',
        message: expect.stringContaining(missing) as unknown,
      });
      expect((await world.transport.describeTopics([missing])).size).toBe(0);
    },
  },
  {
    rule: 61,
    says: 'the answer of partitionsOf may be up to a minute old',
    untestable: 'it is a permission, and the port has no way to add partitions',
  },
  {
    rule: 62,
    says: 'send resolves with the offset of the first record, and the rest follow it in order',
    test: async (world) => {
      const topic = await world.topic(2);
      expect(await world.send(topic, 1, numbered(3, 'a'))).toBe(0n);
      expect(await world.send(topic, 1, numbered(100, 'b'))).toBe(3n);
      expect(await world.send(topic, 0, numbered(1, 'c'))).toBe(0n);
      expect(await world.send(topic, 1, numbered(1, 'd'))).toBe(103n);
      const { watcher } = await world.join(world.group(), [topic]);
      await world.eventually(() => {
        expect(watcher.records).toHaveLength(105);
      });
      const ofOne = watcher.fetches.filter(({ partition }) => partition === 1).flatMap(({ records }) => records);
      expect(ofOne.map(({ offset }) => offset)).toEqual(Array.from({ length: 104 }, (_, index) => BigInt(index)));
      expect(ofOne.map(({ value }) => Buffer.from(value ?? []).toString())).toEqual(
        [...numbered(3, 'a'), ...numbered(100, 'b'), ...numbered(1, 'd')].map(({ value }) => Buffer.from(value ?? []).toString()),
      );
    },
  },
  {
    rule: 63,
    says: 'a record that the broker refuses for its size is record_too_large, and later sends go on',
    test: async (world) => {
      const topic = await world.topic();
      await expect(world.send(topic, 0, [record('x'.repeat(3 * 2 ** 20))])).rejects.toMatchObject({
        code: 'record_too_large',
        retryable: false,
      });
      expect(await world.send(topic, 0, numbered(1))).toBe(0n);
    },
  },
  {
    rule: 64,
    says: 'a send is written whole or not at all',
    test: async (world) => {
      const topic = await world.topic();
      await expect(world.send(topic, 0, [record('small'), record('x'.repeat(3 * 2 ** 20)), record('small')])).rejects.toMatchObject({
        code: 'record_too_large',
      });
      expect((await world.transport.describeTopics([topic])).get(topic)?.partitions[0]?.high).toBe(0n);
    },
  },
  {
    rule: 65,
    says: 'send to a topic or a partition that does not exist rejects with unknown_topic',
    test: async (world) => {
      const topic = await world.topic(2);
      await expect(world.send(world.under.freshName('missing'), 0, numbered(1))).rejects.toMatchObject({ code: 'unknown_topic' });
      await expect(world.send(topic, 2, numbered(1))).rejects.toMatchObject({ code: 'unknown_topic' });
    },
  },
  {
    rule: 66,
    says: 'writers are independent of each other: closing one leaves the others',
    test: async (world) => {
      const topic = await world.topic();
      const [first, second] = [await world.producer(), await world.producer()];
      await first.send(topic, 0, numbered(1));
      await first.close();
      expect(await second.send(topic, 0, numbered(1))).toBe(1n);
    },
  },
  {
    rule: 67,
    says: 'close of a writer waits for the sends under way, and is idempotent',
    test: async (world) => {
      const topic = await world.topic(3);
      const producer = await world.producer();
      await producer.partitionsOf(topic);
      let acknowledged = 0;
      const sends = [0, 1, 2].map(async (partition) => {
        await producer.send(topic, partition, numbered(50));
        acknowledged += 1;
      });
      await Promise.all([producer.close(), producer.close()]);
      await Promise.all(sends);
      await producer.close();
      expect(acknowledged).toBe(3);
      const described = await world.transport.describeTopics([topic]);
      expect(described.get(topic)?.partitions.map(({ high }) => high)).toEqual([50n, 50n, 50n]);
    },
  },
  {
    rule: 68,
    says: 'a send while the broker is away rejects with transport_unavailable, and works when it is back',
    test: async (world) => {
      const broker = world.hook('bounceBroker');
      const topic = await world.topic();
      await world.send(topic, 0, [record('before')]);
      await broker.down();
      try {
        await expect(world.send(topic, 0, [record('while')])).rejects.toMatchObject({ code: 'transport_unavailable', retryable: true });
      } finally {
        await broker.up();
      }
      await world.eventually(async () => {
        await world.send(topic, 0, [record('after')]);
      });
      const { watcher } = await world.join(world.group(), [topic]);
      await world.eventually(() => {
        expect(watcher.values.at(0)).toBe('before');
        expect(watcher.values.at(-1)).toBe('after');
      });
    },
  },
  {
    rule: 69,
    says: 'an acknowledged record is as durable as the log can make it',
    untestable: 'it takes the loss of a replica; the kill and bounce tests show it for one broker',
  },
  { rule: 70, says: 'one send per partition at a time: the caller waits', untestable: 'it is a duty of the caller' },
  {
    rule: 71,
    says: 'a try that fails may still have been written',
    untestable: 'it is a permission; the memory broker plans such failures for the tests of the sink',
  },
];
