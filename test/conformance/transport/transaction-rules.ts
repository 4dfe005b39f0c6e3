import { expect } from 'vitest';
import { formatPartition } from '../../../src/record/record.ts';
import type { Rule } from './rule.ts';
import { numbered, record, stored } from './world.ts';

/** Records and offsets that are seen together, or never. */
export const transactionRules: readonly Rule[] = [
  {
    rule: 80,
    says: 'send in a transaction resolves with the offset of the first record; its end takes an offset in each partition it wrote to',
    test: async (world) => {
      const topic = await world.topic(3);
      await world.send(topic, 0, [record('before')]);
      const writer = await world.transact();
      const transaction = await writer.begin();
      expect(await transaction.send(topic, 0, numbered(2))).toBe(1n);
      expect(await transaction.send(topic, 1, numbered(1))).toBe(0n);
      expect(await transaction.send(topic, 0, numbered(1))).toBe(3n);
      expect([await world.high(topic, 0), await world.high(topic, 1)]).toEqual([4n, 1n]); // written, if not to be read yet
      await transaction.commit();
      await (await world.transact()).close(); // another name: changes nothing
      await world.eventually(async () => {
        expect([await world.high(topic, 0), await world.high(topic, 1), await world.high(topic, 2)]).toEqual([5n, 2n, 0n]);
      });
      expect(await world.send(topic, 0, [record('after')])).toBe(5n);
    },
  },
  {
    rule: 81,
    says: 'what a transaction wrote to several partitions is seen once it is committed, in order, and reading goes on behind its end',
    test: async (world) => {
      const topic = await world.topic(2);
      const joined = await world.reader(topic);
      const writer = await world.transact();
      for (const round of ['a', 'b']) {
        const transaction = await writer.begin();
        await Promise.all([0, 1].map((partition) => transaction.send(topic, partition, numbered(3, `${round}${String(partition)}-`))));
        await transaction.commit();
      }
      await world.send(topic, 0, [record('plain')]);
      const of = (partition: number) =>
        joined.watcher.fetches.filter((fetch) => fetch.partition === partition).flatMap(({ records }) => records);
      await world.eventually(() => {
        expect(of(0).map(({ value }) => Buffer.from(value ?? []).toString())).toEqual([
          'a0-0',
          'a0-1',
          'a0-2',
          'b0-0',
          'b0-1',
          'b0-2',
          'plain',
        ]);
        expect(of(1).map(({ value }) => Buffer.from(value ?? []).toString())).toEqual(['a1-0', 'a1-1', 'a1-2', 'b1-0', 'b1-1', 'b1-2']);
      });
      expect(of(0).map(({ offset }) => offset)).toEqual([0n, 1n, 2n, 4n, 5n, 6n, 8n]);
      for (const { records, high } of joined.watcher.fetches) {
        const last = records.at(-1); // a reader that was there first may be told of an empty log
        expect(high).toBeGreaterThan(last?.offset ?? -1n);
      }
    },
  },
  {
    rule: 82,
    says: 'an open transaction stops readers at its first record: what others write behind it is not seen before it has ended',
    test: async (world) => {
      const topic = await world.topic(2);
      const joined = await world.reader(topic);
      await world.send(topic, 0, [record('before')]);
      const transaction = await (await world.transact()).begin();
      await transaction.send(topic, 0, [record('within')]);
      await world.send(topic, 0, [record('behind')]);
      await world.send(topic, 1, [record('beside')]);
      await world.eventually(() => {
        expect([...joined.watcher.values].sort()).toEqual(['before', 'beside']);
      });
      const late = await world.reader(topic);
      await world.quiet();
      expect([...joined.watcher.values].sort()).toEqual(['before', 'beside']);
      expect([...late.watcher.values].sort().filter((value) => value !== 'before' && value !== 'beside')).toEqual([]);
      await transaction.commit();
      await world.eventually(() => {
        expect(joined.watcher.values.slice(-2)).toEqual(['within', 'behind']);
      });
    },
  },
  {
    rule: 83,
    says: 'of an aborted transaction nothing is ever seen, and what lies behind it is',
    test: async (world) => {
      const topic = await world.topic();
      const joined = await world.reader(topic);
      const writer = await world.transact();
      const aborted = await writer.begin();
      await aborted.send(topic, 0, numbered(3, 'aborted'));
      await aborted.abort();
      const committed = await writer.begin();
      await committed.send(topic, 0, [record('good')]);
      await committed.commit();
      await world.send(topic, 0, [record('plain')]);
      await world.sees(joined, ['good', 'plain']);
      const late = await world.reader(topic);
      await world.sees(late, ['good', 'plain']);
      await world.quiet();
      expect([joined.watcher.values, late.watcher.values]).toEqual([
        ['good', 'plain'],
        ['good', 'plain'],
      ]);
    },
  },
  {
    rule: 84,
    says: 'offsets that a transaction stores, and 4,096 characters beside them, count once it is committed; not while it is open, not if it is aborted',
    test: async (world) => {
      const topic = await world.topic(2);
      const [group, other] = [world.group(), world.group()];
      const metadata = Array.from({ length: 4096 }, (_, index) => String.fromCharCode(33 + (index % 90))).join('');
      const name = world.under.freshName('writer');
      const writer = await world.transact(name);
      const first = await writer.begin();
      await first.storeOffsets(group, [stored(topic, 3n, metadata), stored(topic, 4n, 'one', 1)]);
      await first.storeOffsets(other, [stored(topic, 7n)]);
      await world.quiet();
      expect(await world.committed(group, topic)).toBeUndefined();
      await first.commit();
      const second = await writer.begin();
      await second.storeOffsets(group, [stored(topic, 9n, 'aborted')]);
      await second.abort();
      await world.transact(name);
      expect(await world.committed(group, topic, 0)).toEqual(stored(topic, 3n, metadata));
      expect(await world.committed(group, topic, 1)).toEqual(stored(topic, 4n, 'one', 1));
      expect(await world.committed(other, topic)).toEqual(stored(topic, 7n));
    },
  },
  {
    rule: 85,
    says: 'committed tells what consumers have committed too, and leaves out what nobody has',
    test: async (world) => {
      const topic = await world.topic(2);
      const group = world.group();
      await world.send(topic, 0, numbered(2));
      expect(await world.transport.committed(group, [stored(topic, 0n)])).toEqual([]);
      expect(await world.transport.committed(group, [])).toEqual([]);
      const { watcher, consumer } = await world.joinOwning(
        [0, 1].map((partition) => formatPartition({ topic, partition })),
        group,
        [topic],
      );
      await consumer.commit([{ ...watcher.partition(topic, 0), offset: 2n, metadata: 'm' }]);
      expect(
        await world.transport.committed(
          group,
          [0, 1].map((partition) => ({ topic, partition })),
        ),
      ).toEqual([stored(topic, 2n, 'm')]);
    },
  },
  {
    rule: 86,
    says: 'outputs and offsets of one transaction are seen together, or not at all; and a member starts at what it has stored',
    test: async (world) => {
      const [input, output] = [await world.topic(), await world.topic(2)];
      const group = world.group();
      await world.send(input, 0, numbered(20));
      const joined = await world.reader(output);
      const name = world.under.freshName('writer');
      const writer = await world.transact(name);
      for (let step = 0; step < 6; step += 1) {
        const transaction = await writer.begin();
        await transaction.send(output, step % 2, [record(`out${String(step)}`)]);
        await transaction.storeOffsets(group, [stored(input, BigInt(step + 1), `m${String(step)}`)]);
        await (step % 3 === 2 ? transaction.abort() : transaction.commit());
      }
      await world.transact(name);
      expect(await world.committed(group, input)).toEqual(stored(input, 5n, 'm4'));
      await world.eventually(() => {
        expect([...joined.watcher.values].sort()).toEqual(['out0', 'out1', 'out3', 'out4']);
      });
      const owner = await world.joinOwning([`${input}/0`], group, [input]);
      expect(owner.watcher.assignments.get(`${input}/0`)).toMatchObject({ start: 5n, committed: { offset: 5n, metadata: 'm4' } });
      await world.eventually(() => {
        expect(owner.watcher.values[0]).toBe('v5');
      });
    },
  },
  {
    rule: 91,
    says: 'from latest begins before the records of transactions that are open',
    test: async (world) => {
      const topic = await world.topic();
      await world.send(topic, 0, [record('old')]);
      const transaction = await (await world.transact()).begin();
      await transaction.send(topic, 0, [record('open')]);
      const { watcher } = await world.joinOwning([`${topic}/0`], world.group(), [topic], { from: 'latest' });
      await transaction.commit();
      await world.eventually(() => {
        expect(watcher.values).toEqual(['open']);
      });
    },
  },
];
