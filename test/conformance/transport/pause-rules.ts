import { expect } from 'vitest';
import { formatPartition } from '../../../src/record/record.ts';
import type { Rule } from './rule.ts';
import { valueOf } from './watcher.ts';
import { numbered, record } from './world.ts';

/** How delivery is held back, and how handlers are called. */
export const pauseRules: readonly Rule[] = [
  {
    rule: 22,
    says: 'after pause at most one fetch arrives, then nothing until resume; and then nothing is missing or doubled',
    test: async (world) => {
      const topic = await world.topic();
      for (let i = 0; i < 40; i += 1) await world.send(topic, 0, [record(`${String(i).padStart(2, '0')}${'x'.repeat(5_000)}`)]);
      const { watcher, consumer } = await world.join(world.group(), [topic], { maxFetchBytes: 12_000 });
      await world.eventually(() => {
        expect(watcher.fetches.length).toBeGreaterThanOrEqual(1);
      });
      let sent = 40;
      for (let round = 0; round < 3; round += 1) {
        const partition = watcher.partition(topic, 0);
        consumer.pause([partition]);
        consumer.pause([partition]);
        const atPause = watcher.fetches.length;
        await world.send(topic, 0, [record(`${String(sent)}more`)]);
        sent += 1;
        await world.quiet();
        expect(watcher.fetches.length).toBeLessThanOrEqual(atPause + 1);
        const before = watcher.records.length;
        consumer.resume([partition]);
        consumer.resume([partition]);
        await world.eventually(() => {
          expect(watcher.records.length).toBeGreaterThan(before);
        });
      }
      await world.eventually(() => {
        expect(watcher.records).toHaveLength(sent);
      });
      expect(watcher.values.map((value) => Number(value.slice(0, 2)))).toEqual(Array.from({ length: sent }, (_, index) => index));
    },
  },
  {
    rule: 23,
    says: 'pausing a partition from within fetched holds after at most one more, and leaves the others flowing',
    test: async (world) => {
      const topic = await world.topic(2);
      const partitions = [0, 1].map((partition) => formatPartition({ topic, partition }));
      const { watcher, consumer } = await world.joinOwning(partitions, world.group(), [topic]);
      let pausedAt: number | undefined;
      const ofZero = (): number => watcher.fetches.filter(({ partition }) => partition === 0).length;
      watcher.whenFetched = ({ partition }) => {
        if (partition !== 0 || pausedAt !== undefined) return;
        consumer.pause([watcher.partition(topic, 0)]);
        pausedAt = ofZero();
      };
      for (let i = 0; i < 10; i += 1)
        for (const partition of [0, 1]) await world.send(topic, partition, numbered(1, `${String(partition)}-${String(i)}-`));
      await world.eventually(() => {
        expect(watcher.values.filter((value) => value.startsWith('1-'))).toHaveLength(10);
      });
      await world.quiet();
      expect(ofZero()).toBeLessThanOrEqual((pausedAt ?? -1) + 1);
      consumer.resume([watcher.partition(topic, 0)]);
      await world.eventually(() => {
        expect(watcher.values.filter((value) => value.startsWith('0-'))).toHaveLength(10);
      });
    },
  },
  {
    rule: 24,
    says: 'pause and resume ignore partitions that are not owned, and epochs that are over',
    test: async (world) => {
      const topic = await world.topic();
      const { watcher, consumer } = await world.joinOwning([formatPartition({ topic, partition: 0 })], world.group(), [topic]);
      const partition = watcher.partition(topic, 0);
      const strangers = [
        { ...partition, epoch: partition.epoch + 1000 },
        { ...partition, partition: 7 },
        { ...partition, topic: world.under.freshName('other') },
      ];
      consumer.pause(strangers);
      await world.send(topic, 0, numbered(1, 'a'));
      await world.eventually(() => {
        expect(watcher.values).toEqual(['a0']);
      });
      consumer.pause([partition]);
      await world.quiet();
      await world.quiet();
      consumer.resume(strangers);
      const before = watcher.fetches.length;
      await world.send(topic, 0, numbered(1, 'b'));
      await world.send(topic, 0, numbered(1, 'c'));
      await world.quiet();
      expect(watcher.fetches.length).toBeLessThanOrEqual(before + 1);
      consumer.resume([partition]);
      await world.eventually(() => {
        expect(watcher.records.map(valueOf)).toEqual(['a0', 'b0', 'c0']);
      });
    },
  },
  {
    rule: 25,
    says: 'handlers are called one at a time, never from within a call of the consumer or producer',
    test: async (world) => {
      const topic = await world.topic();
      const { watcher, consumer } = await world.joinOwning([formatPartition({ topic, partition: 0 })], world.group(), [topic]);
      let calling = false;
      let within = 0;
      const commits: Promise<unknown>[] = [];
      const during = (call: () => void): void => {
        calling = true;
        call();
        calling = false;
      };
      watcher.whenFetched = (fetch) => {
        if (calling) within += 1;
        during(() => {
          const next = (fetch.records.at(-1)?.offset ?? 0n) + 1n;
          commits.push(consumer.commit([{ topic, partition: 0, epoch: fetch.epoch, offset: next, metadata: '' }]));
          consumer.pause([fetch]);
          consumer.resume([fetch]); // a re-entrant delivery is a breach that the watcher notes
        });
      };
      await world.send(topic, 0, numbered(1, 'warm'));
      const producer = await world.producer();
      for (let i = 0; i < 5; i += 1) {
        const sending: Promise<unknown>[] = [];
        during(() => {
          sending.push(producer.send(topic, 0, numbered(1, String(i))));
        });
        await Promise.all(sending);
        during(() => {
          consumer.resume([watcher.partition(topic, 0)]);
        });
      }
      await world.eventually(() => {
        expect(watcher.records).toHaveLength(6);
      });
      await Promise.all(commits);
      expect(within).toBe(0);
    },
  },
];
