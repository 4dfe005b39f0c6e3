import { expect } from 'vitest';
import { formatPartition } from '../../../src/record/record.ts';
import { type Gate, gate } from './gate.ts';
import type { Rule } from './rule.ts';
import type { Watcher } from './watcher.ts';
import { type Joined, numbered, type World } from './world.ts';

const keys = (topic: string, count: number): string[] =>
  Array.from({ length: count }, (_, partition) => formatPartition({ topic, partition }));

/** Waits until the members own all partitions of the topic, each once, as even as it goes. */
export async function shared(world: World, topic: string, partitions: number, members: readonly Joined[]): Promise<void> {
  await world.eventually(() => {
    const loads = members.map(({ watcher }) => watcher.owned.length);
    expect(members.flatMap(({ watcher }) => watcher.owned).sort()).toEqual(keys(topic, partitions).sort());
    expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(1);
  });
}

const indexOf = (watcher: Watcher, kind: string): number => watcher.seen.findIndex((one) => one.kind === kind);

/** Two partitions: the first member lets one of them go as soon as the gate is opened, and the second waits for it. */
async function whileRevoking(world: World): Promise<{ topic: string; first: Joined; second: Joined; draining: Gate }> {
  const topic = await world.topic(2);
  const group = world.group();
  const first = await world.joinOwning(keys(topic, 2), group, [topic]);
  const draining = gate();
  first.watcher.whenRevoking = () => draining.opened;
  const second = await world.join(group, [topic]);
  await world.eventually(() => {
    expect(indexOf(first.watcher, 'revoking')).toBeGreaterThan(-1);
  });
  return { topic, first, second, draining };
}

/** Who owns what, and what is told when that changes. */
export const ownershipRules: readonly Rule[] = [
  {
    rule: 30,
    says: 'nothing of a partition is delivered before it is assigned, and then it is not paused',
    test: async (world) => {
      const topic = await world.topic(2);
      for (const partition of [0, 1]) await world.send(topic, partition, numbered(2));
      const { watcher } = await world.join(world.group(), [topic]);
      await world.eventually(() => {
        expect(watcher.records).toHaveLength(4);
      });
      expect(indexOf(watcher, 'assigned')).toBeLessThan(indexOf(watcher, 'fetched')); // each fetch: the watcher
    },
  },
  {
    rule: 31,
    says: 'members of a group share the partitions, and each record goes to exactly one of them while all are healthy',
    test: async (world) => {
      const topic = await world.topic(4);
      const group = world.group();
      const members = [await world.join(group, [topic], { from: 'latest' }), await world.join(group, [topic], { from: 'latest' })];
      await shared(world, topic, 4, members);
      for (let partition = 0; partition < 4; partition += 1) await world.send(topic, partition, numbered(10, `${String(partition)}-`));
      await world.eventually(() => {
        expect(members.flatMap(({ watcher }) => watcher.values)).toHaveLength(40);
      });
      await world.quiet();
      const values = members.flatMap(({ watcher }) => watcher.values);
      expect(new Set(values).size).toBe(40);
      expect(values).toHaveLength(40);
    },
  },
  {
    rule: 32,
    says: 'several groups each get everything',
    test: async (world) => {
      const topic = await world.topic(2);
      const members = [await world.join(world.group(), [topic]), await world.join(world.group(), [topic])];
      for (const partition of [0, 1]) await world.send(topic, partition, numbered(5));
      await world.eventually(() => {
        expect(members.map(({ watcher }) => watcher.records.length)).toEqual([10, 10]);
      });
    },
  },
  {
    rule: 33,
    says: 'a partition that a rebalance leaves here keeps its epoch and its position: nothing is told, nothing comes again',
    test: async (world) => {
      const topic = await world.topic(4);
      const group = world.group();
      const first = await world.joinOwning(keys(topic, 4), group, [topic]);
      for (let partition = 0; partition < 4; partition += 1) await world.send(topic, partition, numbered(5, 'a'));
      await world.eventually(() => {
        expect(first.watcher.records).toHaveLength(20);
      });
      const epochs = new Map(first.watcher.assignments);
      const second = await world.join(group, [topic]);
      await shared(world, topic, 4, [first, second]);
      const kept = first.watcher.owned;
      expect(kept).toHaveLength(2);
      for (let partition = 0; partition < 4; partition += 1) await world.send(topic, partition, numbered(5, 'b'));
      await world.eventually(() => {
        expect(first.watcher.records).toHaveLength(30);
      });
      for (const key of kept) expect(first.watcher.assignments.get(key)).toEqual(epochs.get(key));
      await world.close(second);
      await shared(world, topic, 4, [first]);
      for (const key of kept) expect(first.watcher.assignments.get(key)).toEqual(epochs.get(key));
      const ofKept = first.watcher.fetches.filter((fetch) => kept.includes(formatPartition(fetch))).flatMap(({ records }) => records);
      expect(ofKept).toHaveLength(20);
    },
  },
  {
    rule: 34,
    says: 'no other member is given a partition before revoking has resolved, and the others are given theirs meanwhile',
    test: async (world) => {
      const { topic, first, second, draining } = await whileRevoking(world);
      await world.quiet();
      expect(second.watcher.owned).toEqual([]);
      draining.open();
      await shared(world, topic, 2, [first, second]);
    },
  },
  {
    rule: 35,
    says: 'while a partition is revoked nothing more of it is delivered, and the kept ones go on',
    test: async (world) => {
      const { topic, first, second, draining } = await whileRevoking(world);
      for (const partition of [0, 1]) await world.send(topic, partition, numbered(3));
      await world.eventually(() => {
        expect(first.watcher.records).toHaveLength(3);
      });
      await world.quiet();
      expect(first.watcher.records).toHaveLength(3); // of the moving one: a breach, says the watcher
      draining.open();
      await world.eventually(() => {
        expect(second.watcher.records).toHaveLength(3);
      });
    },
  },
  {
    rule: 36,
    says: 'a partition that comes back has a higher epoch than all before, and begins resumed',
    test: async (world) => {
      const topic = await world.topic(2);
      const group = world.group();
      const first = await world.joinOwning(keys(topic, 2), group, [topic]);
      const before = [0, 1].map((partition) => first.watcher.partition(topic, partition));
      first.consumer.pause(before);
      const second = await world.join(group, [topic]);
      await shared(world, topic, 2, [first, second]);
      const [moved] = second.watcher.owned;
      await world.close(second);
      await shared(world, topic, 2, [first]);
      const after = [0, 1].map((partition) => first.watcher.partition(topic, partition));
      const [back] = after.filter((part) => formatPartition(part) === moved);
      expect(back?.epoch).toBeGreaterThan(Math.max(...before.map(({ epoch }) => epoch)));
      await world.quiet();
      for (const partition of [0, 1]) await world.send(topic, partition, numbered(1, String(partition)));
      await world.eventually(() => {
        expect(first.watcher.values).toContain(`${String(back?.partition)}0`);
      });
      await world.quiet();
      expect(first.watcher.records).toHaveLength(1); // the one that was kept is still paused
      first.consumer.resume(after);
      await world.eventually(() => {
        expect(first.watcher.records).toHaveLength(2);
      });
    },
  },
  {
    rule: 37,
    says: 'close leaves the group without revoking, and the others take over promptly',
    test: async (world) => {
      const topic = await world.topic(2);
      const group = world.group();
      const [first, second] = [await world.join(group, [topic]), await world.join(group, [topic])];
      await shared(world, topic, 2, [first, second]);
      const toldBefore = first.watcher.seen.length;
      await world.close(first);
      expect(first.watcher.seen.slice(toldBefore).filter(({ kind }) => kind === 'revoking' || kind === 'lost')).toEqual([]);
      await world.owns(second, keys(topic, 2));
      await world.send(topic, 0, numbered(1, 'a'));
      await world.send(topic, 1, numbered(1, 'b'));
      await world.eventually(() => {
        expect([...second.watcher.values].sort()).toEqual(['a0', 'b0']);
      });
    },
  },
  {
    rule: 38,
    says: 'close is idempotent, and no handler is called after it',
    test: async (world) => {
      const topic = await world.topic();
      const joined = await world.joinOwning(keys(topic, 1), world.group(), [topic]);
      await world.send(topic, 0, numbered(5));
      await Promise.all([joined.consumer.close(), joined.consumer.close()]);
      await world.close(joined);
      await world.send(topic, 0, numbered(5));
      await world.quiet(); // a late call is a breach, says the watcher
    },
  },
  {
    rule: 39,
    says: 'members that read different topics of one group are given partitions of their own topics only',
    test: async (world) => {
      const [left, right] = [await world.topic(2), await world.topic(2)];
      const group = world.group();
      const first = await world.join(group, [left]);
      const second = await world.join(group, [right]);
      await world.owns(first, keys(left, 2));
      await world.owns(second, keys(right, 2));
    },
  },
  {
    rule: 40,
    says: 'a member that is cut off is told lost, without revoking; the others take over, and it joins again by itself',
    test: async (world) => {
      const expel = world.hook('expel');
      const topic = await world.topic(2);
      const group = world.group();
      const [first, second] = [await world.join(group, [topic]), await world.join(group, [topic])];
      await shared(world, topic, 2, [first, second]);
      const [had] = first.watcher.owned;
      const toldBefore = first.watcher.seen.length;
      await expel(first.consumer);
      await world.eventually(() => {
        expect(indexOf(first.watcher, 'lost')).toBeGreaterThan(-1);
        expect(
          second.watcher.seen.some((one) => one.kind === 'assigned' && one.partitions.some((part) => formatPartition(part) === had)),
        ).toBe(true);
      });
      const [end] = first.watcher.seen.slice(toldBefore).filter(({ kind }) => kind === 'lost' || kind === 'revoking');
      expect(end).toMatchObject({ kind: 'lost', partitions: [{ topic }] });
      await shared(world, topic, 2, [first, second]);
    },
  },
  {
    rule: 41,
    says: 'trouble with the broker is told as health, delivery goes on by itself, and ok says that it is over',
    test: async (world) => {
      const broker = world.hook('bounceBroker');
      const topic = await world.topic();
      const { watcher } = await world.joinOwning(keys(topic, 1), world.group(), [topic]);
      await broker.down();
      try {
        await world.eventually(() => {
          expect(watcher.seen.some((one) => one.kind === 'health' && one.state.state !== 'ok' && one.state.why !== '')).toBe(true);
        });
      } finally {
        await broker.up();
      }
      await world.eventually(async () => {
        await world.send(topic, 0, numbered(1, 'after'));
      });
      await world.eventually(() => {
        expect(watcher.values).toContain('after0');
        expect(watcher.seen.findLast((one) => one.kind === 'health')).toMatchObject({ state: { state: 'ok' } });
      });
    },
  },
  {
    rule: 44,
    says: 'stillOwned names what the group gives to a member, and not what it took from it without a word',
    test: async (world) => {
      const expel = world.hook('expel');
      const topic = await world.topic(2);
      const group = world.group();
      const [first, second] = [await world.join(group, [topic]), await world.join(group, [topic])];
      await shared(world, topic, 2, [first, second]);
      const parts = [first, second].flatMap(({ watcher }) =>
        [0, 1]
          .filter((partition) => watcher.owned.includes(formatPartition({ topic, partition })))
          .map((partition) => watcher.partition(topic, partition)),
      );
      expect(await first.consumer.stillOwned(parts)).toEqual(parts.slice(0, 1));
      await expel(first.consumer);
      expect(await first.consumer.stillOwned(parts)).toEqual([]);
      expect(await second.consumer.stillOwned(parts.slice(1))).toEqual(parts.slice(1));
    },
  },
  { rule: 42, says: 'handlers return at once and must not throw; revoking must not reject', untestable: 'it is a duty of the caller' },
  {
    rule: 43,
    says: 'failed ends a consumer, after everything it owned was reported lost',
    untestable: 'no fault common to all transports is final; each transport has tests of its own',
  },
];
