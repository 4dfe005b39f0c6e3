import { expect } from 'vitest';
import { formatPartition, type OutputRecord, type SourceRecord } from '../../../src/record/record.ts';
import type { Rule } from './rule.ts';
import { numbered, record } from './world.ts';

const hex = (bytes: Uint8Array | null): string | null => (bytes === null ? null : Buffer.from(bytes).toString('hex'));
const exact = ({ key, value, headers }: OutputRecord | SourceRecord): unknown => ({
  key: hex(key),
  value: hex(value),
  headers: headers.map(([name, bytes]) => [name, hex(bytes)]),
});
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const allBytes = Uint8Array.from({ length: 256 }, (_, index) => index);

const awkward: readonly OutputRecord[] = [
  { key: bytes(1), value: bytes(2), headers: [] },
  { key: null, value: bytes(3), headers: [] },
  { key: bytes(), value: bytes(), headers: [] },
  { key: bytes(4), value: null, headers: [] },
  { key: null, value: null, headers: [] },
  { key: allBytes, value: allBytes, headers: [['all', allBytes]] },
  {
    key: null,
    value: bytes(5),
    headers: [
      ['a', bytes(1)],
      ['b', bytes(2)],
      ['a', bytes(3)],
    ],
  },
  {
    key: null,
    value: bytes(6),
    headers: [
      ['null', null],
      ['empty', bytes()],
      ['not utf-8', bytes(0xff, 0xfe, 0x80)],
    ],
  },
  {
    key: null,
    value: bytes(7),
    headers: [
      ['grüße-日本', bytes(8)],
      ['__proto__', bytes(9)],
      ['constructor', null],
      ['7', bytes(10)],
      ['1', bytes(11)],
    ],
  },
];

/** What arrives, and where it begins. */
export const deliveryRules: readonly Rule[] = [
  {
    rule: 11,
    says: 'keys, values and headers arrive byte for byte: null, empty, repeated names in order, null header values, no UTF-8',
    test: async (world) => {
      const topic = await world.topic();
      await world.send(topic, 0, awkward);
      const { watcher } = await world.join(world.group(), [topic]);
      await world.eventually(() => {
        expect(watcher.records).toHaveLength(awkward.length);
      });
      expect(watcher.records.map(exact)).toEqual(awkward.map(exact));
      expect(watcher.records.every((one) => one.undecodable === undefined)).toBe(true);
    },
  },
  {
    rule: 12,
    says: 'timestamps arrive to the millisecond; without one the record has the time of the broker',
    test: async (world) => {
      const topic = await world.topic();
      const beforeMs = Date.now();
      await world.send(topic, 0, [
        record('old', { timestampMs: 1 }),
        record('given', { timestampMs: beforeMs - 86_400_123 }),
        record('now'),
      ]);
      const { watcher } = await world.join(world.group(), [topic]);
      await world.eventually(() => {
        expect(watcher.records).toHaveLength(3);
      });
      const [old, given, now] = watcher.records.map(({ timestampMs }) => timestampMs);
      expect([old, given]).toEqual([1, beforeMs - 86_400_123]);
      expect(Math.abs((now ?? 0) - beforeMs)).toBeLessThan(60_000);
      expect(Number.isInteger(now)).toBe(true);
    },
  },
  {
    rule: 13,
    says: 'records of a partition arrive in the order of their offsets, none left out, none twice',
    test: async (world) => {
      const topic = await world.topic(2);
      const { watcher } = await world.join(world.group(), [topic]);
      for (let round = 0; round < 20; round += 1) {
        await Promise.all([0, 1].map((partition) => world.send(topic, partition, numbered(25, `${String(partition)}-${String(round)}-`))));
      }
      await world.eventually(() => {
        expect(watcher.records).toHaveLength(1000);
      });
      for (const partition of [0, 1]) {
        const offsets = watcher.fetches
          .filter((fetch) => fetch.partition === partition)
          .flatMap(({ records }) => records.map(({ offset }) => offset));
        expect(offsets).toEqual(Array.from({ length: 500 }, (_, index) => BigInt(index)));
      }
    },
  },
  {
    rule: 14,
    says: 'a delivery of several records is within maxFetchBytes',
    test: async (world) => {
      const topic = await world.topic();
      for (let i = 0; i < 10; i += 1) await world.send(topic, 0, [record('x'.repeat(30_000))]);
      const { watcher } = await world.join(world.group(), [topic], { maxFetchBytes: 100_000 });
      await world.eventually(() => {
        expect(watcher.records).toHaveLength(10);
      });
      expect(watcher.fetches.length).toBeGreaterThanOrEqual(4); // the watcher has measured each
    },
  },
  {
    rule: 15,
    says: 'a single record above maxFetchBytes is delivered, alone',
    test: async (world) => {
      const topic = await world.topic();
      for (const value of ['small', 'x'.repeat(200_000), 'small again']) await world.send(topic, 0, [record(value)]);
      const { watcher } = await world.join(world.group(), [topic], { maxFetchBytes: 10_000 });
      await world.eventually(() => {
        expect(watcher.records).toHaveLength(3);
      });
      const large = watcher.fetches.find(({ records }) => records.some(({ value }) => value?.length === 200_000));
      expect(large?.records).toHaveLength(1);
    },
  },
  {
    rule: 16,
    says: 'without maxFetchBytes a delivery is within 256 KiB',
    test: async (world) => {
      const topic = await world.topic();
      for (let i = 0; i < 6; i += 1) await world.send(topic, 0, [record('x'.repeat(400_000))]);
      const { watcher } = await world.join(world.group(), [topic]);
      await world.eventually(() => {
        expect(watcher.records).toHaveLength(6);
      });
      expect(watcher.fetches.length).toBeGreaterThanOrEqual(3);
    },
  },
  {
    rule: 17,
    says: 'from earliest, a group that has committed nothing starts at the first record',
    test: async (world) => {
      const topic = await world.topic();
      await world.send(topic, 0, numbered(3));
      const { watcher } = await world.join(world.group(), [topic], { from: 'earliest' });
      await world.eventually(() => {
        expect(watcher.values).toEqual(['v0', 'v1', 'v2']);
      });
      expect(watcher.assignments.get(formatPartition({ topic, partition: 0 }))).toMatchObject({
        committed: undefined,
        start: 0n,
        reset: 'none-committed',
        high: 3n,
      });
    },
  },
  {
    rule: 18,
    says: 'from latest, it starts behind the last record, and what is written after assigned arrives',
    test: async (world) => {
      const topic = await world.topic();
      await world.send(topic, 0, numbered(3, 'before'));
      const { watcher } = await world.joinOwning([formatPartition({ topic, partition: 0 })], world.group(), [topic], { from: 'latest' });
      expect(watcher.assignments.get(formatPartition({ topic, partition: 0 }))).toMatchObject({
        committed: undefined,
        start: 3n,
        reset: 'none-committed',
        high: 3n,
      });
      await world.send(topic, 0, numbered(2, 'after'));
      await world.eventually(() => {
        expect(watcher.values).toEqual(['after0', 'after1']);
      });
    },
  },
  {
    rule: 28,
    says: 'topics named in fromEarliest start at the first record, whatever from says',
    test: async (world) => {
      const [early, late] = [await world.topic(), await world.topic()];
      for (const topic of [early, late]) await world.send(topic, 0, numbered(2, 'before'));
      const owned = [early, late].map((topic) => formatPartition({ topic, partition: 0 }));
      const { watcher } = await world.joinOwning(owned, world.group(), [early, late], { from: 'latest', fromEarliest: [early] });
      expect(owned.map((key) => watcher.assignments.get(key)?.start)).toEqual([0n, 2n]);
      await world.eventually(() => {
        expect(watcher.values).toEqual(['before0', 'before1']);
      });
    },
  },
  {
    rule: 29,
    says: 'from latest, where it starts is committed: the next owner goes on there, whatever came between the two',
    test: async (world) => {
      const topic = await world.topic();
      const owned = [formatPartition({ topic, partition: 0 })];
      const group = world.group();
      await world.send(topic, 0, numbered(3, 'before'));
      const first = await world.joinOwning(owned, group, [topic], { from: 'latest' });
      expect(await world.transport.committed(group, [{ topic, partition: 0 }])).toMatchObject([{ offset: 3n, metadata: '' }]);
      await world.close(first); // having committed nothing itself
      await world.send(topic, 0, numbered(2, 'between'));
      const { watcher } = await world.joinOwning(owned, group, [topic], { from: 'latest' });
      await world.eventually(() => {
        expect(watcher.values).toEqual(['between0', 'between1']);
      });
      expect(watcher.assignments.get(owned[0] ?? '')).toMatchObject({ committed: { offset: 3n }, start: 3n, reset: undefined });
    },
  },
  {
    rule: 45,
    says: 'from latest, a partition for which there is a commit starts there, and the commit stays as it is, with its metadata',
    test: async (world) => {
      const topic = await world.topic();
      const owned = [formatPartition({ topic, partition: 0 })];
      const group = world.group();
      await world.send(topic, 0, numbered(5));
      const first = await world.joinOwning(owned, group, [topic], { from: 'earliest' });
      const stored = { offset: 2n, metadata: 'a map' };
      await first.consumer.commit([{ ...first.watcher.partition(topic, 0), ...stored }]);
      await world.close(first);
      const { watcher } = await world.joinOwning(owned, group, [topic], { from: 'latest' });
      await world.eventually(() => {
        expect(watcher.values).toEqual(['v2', 'v3', 'v4']);
      });
      expect(await world.transport.committed(group, [{ topic, partition: 0 }])).toMatchObject([stored]);
    },
  },
  {
    rule: 19,
    says: 'offsets may leave gaps; delivery goes on behind them',
    test: async (world) => {
      const topic = await world.topic();
      const gap = world.hook('leaveGap');
      await world.send(topic, 0, numbered(2, 'a'));
      await gap(topic, 0);
      const { watcher } = await world.join(world.group(), [topic]);
      await world.eventually(() => {
        expect(watcher.values).toEqual(['a0', 'a1']);
      });
      await gap(topic, 0);
      const base = await world.send(topic, 0, numbered(2, 'b'));
      await world.eventually(() => {
        expect(watcher.values).toEqual(['a0', 'a1', 'b0', 'b1']);
      });
      expect(base).toBeGreaterThanOrEqual(4n);
      expect(watcher.records.map(({ offset }) => offset)).toEqual([0n, 1n, base, base + 1n]);
    },
  },
  {
    rule: 20,
    says: 'high is the next offset to be written: above what is delivered, and caught up with at the end',
    test: async (world) => {
      const topic = await world.topic();
      await world.send(topic, 0, numbered(10));
      const { watcher } = await world.join(world.group(), [topic]);
      await world.eventually(() => {
        expect(watcher.records).toHaveLength(10);
      });
      expect(watcher.fetches.at(-1)?.high).toBe(10n);
    },
  },
  {
    rule: 21,
    says: 'one consumer reads several topics, and many partitions, none of them starved',
    test: async (world) => {
      const [many, one] = [await world.topic(40), await world.topic(1)];
      for (let partition = 0; partition < 40; partition += 1) await world.send(many, partition, numbered(5, `${String(partition)}-`));
      await world.send(one, 0, numbered(5, 'one-'));
      const { watcher } = await world.join(world.group(), [many, one]);
      await world.eventually(() => {
        expect(watcher.records).toHaveLength(205);
      });
      expect(new Set(watcher.values).size).toBe(205);
    },
  },
  { rule: 26, says: 'clientId is told to the broker for its logs', untestable: 'the port gives no way to read it back' },
  {
    rule: 27,
    says: 'a range that the client cannot decode arrives as one record with undecodable set',
    untestable: 'no producer of this port can write one; each transport has tests of its own',
  },
];
