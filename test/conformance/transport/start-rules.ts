import { expect } from 'vitest';
import { formatPartition } from '../../../src/record/record.ts';
import type { OwnedPartition } from '../../../src/transport/transport.ts';
import { gate } from './gate.ts';
import type { Rule } from './rule.ts';
import { type Joined, numbered, record } from './world.ts';

/** What happens between the gain of a partition and its first record. */
export const startRules: readonly Rule[] = [
  {
    rule: 120,
    says: 'beforeStart is awaited after partitions were gained and before their offsets are read; nothing of them is told before',
    test: async (world) => {
      const topic = await world.topic(2);
      const group = world.group();
      for (const partition of [0, 1]) await world.send(topic, partition, numbered(5, `${String(partition)}-`));
      const goOn = gate();
      const gained: OwnedPartition[] = [];
      const joined = await world.join(group, [topic], {
        beforeStart: async (partitions, wanted) => {
          expect(wanted()).toBe(true);
          await goOn.opened;
          const transaction = await (await world.transact()).begin();
          await transaction.storeOffsets(
            group,
            partitions.map(({ partition }) => ({ topic, partition, offset: 3n, metadata: 'fence' })),
          );
          await transaction.commit();
          await world.eventually(async () => {
            expect((await world.transport.committed(group, partitions)).length).toBe(partitions.length);
          });
          gained.push(...partitions);
        },
      });
      await world.quiet();
      expect(joined.watcher.seen.filter(({ kind }) => kind !== 'health')).toEqual([]);
      goOn.open();
      await world.owns(
        joined,
        [0, 1].map((partition) => formatPartition({ topic, partition })),
      );
      await world.eventually(() => {
        expect([...joined.watcher.values].sort()).toEqual(['0-3', '0-4', '1-3', '1-4']);
      });
      for (const partition of [0, 1]) {
        const assignment = joined.watcher.assignments.get(formatPartition({ topic, partition }));
        expect(assignment).toMatchObject({ start: 3n, committed: { offset: 3n, metadata: 'fence' } });
        expect(gained).toContainEqual(joined.watcher.partition(topic, partition)); // the same epoch
      }
    },
  },
  {
    rule: 121,
    says: 'partitions that are kept go on while others wait for beforeStart',
    test: async (world) => {
      const topic = await world.topic(2);
      const group = world.group();
      const goOn = gate();
      let starts = 0;
      const other = await world.joinOwning(
        [0, 1].map((partition) => formatPartition({ topic, partition })),
        group,
        [topic],
      );
      const joined = await world.join(group, [topic], {
        beforeStart: async () => {
          starts += 1;
          if (starts > 1) await goOn.opened;
        },
      });
      await world.eventually(() => {
        expect([joined.watcher.owned.length, other.watcher.owned.length]).toEqual([1, 1]);
      });
      const kept = Number(joined.watcher.owned[0]?.split('/').at(-1));
      await world.close(other);
      await world.eventually(() => {
        expect(starts).toBe(2);
      });
      await world.send(topic, kept, [record('kept')]);
      await world.send(topic, 1 - kept, [record('waits')]);
      await world.eventually(() => {
        expect(joined.watcher.values).toEqual(['kept']);
      });
      await world.quiet();
      expect(joined.watcher.values).toEqual(['kept']);
      goOn.open();
      await world.eventually(() => {
        expect(joined.watcher.values).toEqual(['kept', 'waits']);
      });
    },
  },
  {
    rule: 122,
    says: 'partitions that are gone when beforeStart resolves are never told of, and the others begin; the next owner does not wait',
    test: async (world) => {
      const topic = await world.topic(2);
      const group = world.group();
      const goOn = gate();
      const first = await world.join(group, [topic], { beforeStart: () => goOn.opened });
      await world.quiet();
      const second = await world.join(group, [topic]);
      await world.eventually(() => {
        expect(second.watcher.owned).toHaveLength(1);
      });
      goOn.open();
      await world.eventually(() => {
        expect(first.watcher.owned).toHaveLength(1);
      });
      expect([...first.watcher.owned, ...second.watcher.owned].sort()).toEqual(
        [0, 1].map((partition) => formatPartition({ topic, partition })),
      );
      expect(first.watcher.assignments.size).toBe(1);
      expect(first.watcher.seen.filter(({ kind }) => kind === 'revoking' || kind === 'lost')).toEqual([]);
    },
  },
  {
    rule: 123,
    says: 'wanted turns false when the partitions are lost, and when the consumer is closed; nothing is told then',
    test: async (world) => {
      const expel = world.hook('expel');
      const topic = await world.topic();
      const goOn = gate();
      const asked: (() => boolean)[] = [];
      const { consumer, watcher } = await world.join(world.group(), [topic], {
        beforeStart: (_, wanted) => {
          asked.push(wanted);
          return goOn.opened;
        },
      });
      await world.eventually(() => {
        expect(asked.map((wanted) => wanted())).toEqual([true]);
      });
      await expel(consumer);
      await world.eventually(() => {
        expect(asked.map((wanted) => wanted())).toEqual([false, true]); // lost, and gained again
      });
      await consumer.close();
      expect(asked.map((wanted) => wanted())).toEqual([false, false]);
      watcher.closed = true;
      goOn.open();
      await world.quiet();
      expect(watcher.seen.filter(({ kind }) => kind !== 'health')).toEqual([]);
    },
  },
  {
    rule: 124,
    says: 'if beforeStart rejects, the consumer failed',
    test: async (world) => {
      const topic = await world.topic();
      await world.send(topic, 0, numbered(1));
      const { watcher } = await world.join(world.group(), [topic], { beforeStart: () => Promise.reject(new Error('no fence')) });
      await world.eventually(() => {
        expect(watcher.seen).toContainEqual({ kind: 'failed', error: expect.objectContaining({ code: 'transport_failed' }) as unknown });
      });
      await world.quiet();
      expect(watcher.seen.filter(({ kind }) => kind === 'assigned' || kind === 'fetched')).toEqual([]);
      expect(watcher.breaches.splice(0)).toEqual([expect.stringContaining('no fence')]); // the watcher takes any failure for a breach
    },
  },
  {
    rule: 125,
    says: 'what is committed for partitions while beforeStart is awaited is where they start',
    test: async (world) => {
      const expel = world.hook('expel');
      const topic = await world.topic();
      await world.send(topic, 0, numbered(5));
      const joins: Joined[] = [];
      const joined = await world.joinOwning([formatPartition({ topic, partition: 0 })], world.group(), [topic], {
        beforeStart: async (partitions) => {
          await joins[0]?.consumer.commit(partitions.map((one) => ({ ...one, offset: 3n, metadata: 'here' })));
        },
      });
      joins.push(joined);
      const { consumer, watcher } = joined;
      await world.eventually(() => {
        expect(watcher.values).toHaveLength(5);
      });
      await expel(consumer);
      await world.eventually(() => {
        expect(watcher.values.slice(5)).toEqual(['v3', 'v4']);
      });
      expect(watcher.assignments.get(formatPartition({ topic, partition: 0 }))).toMatchObject({
        start: 3n,
        committed: { offset: 3n, metadata: 'here' },
      });
    },
  },
];
