import { expect } from 'vitest';
import type { Rule } from './rule.ts';
import { numbered } from './world.ts';

/** Offsets without records, and records that are gone. */
export const gapRules: readonly Rule[] = [
  {
    rule: 126,
    says: 'what is read and holds no record is told as well: next comes to rest where reads end, and high above it behind an open transaction',
    test: async (world) => {
      const topic = await world.topic();
      const gap = world.hook('leaveGap');
      await world.send(topic, 0, numbered(2));
      const { watcher } = await world.join(world.group(), [topic]);
      await gap(topic, 0);
      await world.eventually(async () => {
        const high = await world.high(topic);
        expect(high).toBeGreaterThan(2n);
        expect(watcher.fetches.at(-1)).toMatchObject({ next: high, high });
      });
      const next = watcher.fetches.at(-1)?.next;
      const writer = await world.transact();
      const transaction = await writer.begin();
      await transaction.send(topic, 0, numbered(3));
      await world.eventually(() => {
        expect(watcher.fetches.at(-1)).toMatchObject({ records: [], next, high: (next ?? 0n) + 3n });
      });
      await transaction.abort();
      await world.eventually(async () => {
        const high = await world.high(topic);
        expect(watcher.fetches.at(-1)).toMatchObject({ records: [], next: high, high });
      });
      expect(watcher.values).toEqual(['v0', 'v1']);
    },
  },
  {
    rule: 127,
    says: 'where the log drops what was to be read next, reading goes on at what is left, in the same epoch; missed says how much that was',
    test: async (world) => {
      const topic = await world.topic();
      await world.send(topic, 0, numbered(2, 'a'));
      const { watcher, consumer } = await world.join(world.group(), [topic]);
      await world.eventually(() => {
        expect(watcher.values).toEqual(['a0', 'a1']);
      });
      const part = watcher.partition(topic, 0);
      consumer.pause([part]);
      await world.quiet();
      await world.send(topic, 0, numbered(4, 'b'));
      await world.hook('truncate')(topic, 0, 5n);
      consumer.resume([part]);
      await world.eventually(() => {
        expect(watcher.values.at(-1)).toBe('b3');
      });
      const told = watcher.fetches.flatMap(({ missed }) => missed ?? []);
      expect(told.reduce((sum, one) => sum + one, 0n) + BigInt(watcher.values.length)).toBe(6n);
      expect(told.length).toBeGreaterThan(0);
      expect([watcher.partition(topic, 0), watcher.seen.filter(({ kind }) => kind === 'lost')]).toEqual([part, []]);
    },
  },
];
