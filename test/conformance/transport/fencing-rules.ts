import { expect } from 'vitest';
import type { Transaction } from '../../../src/transport/transport.ts';
import type { Rule } from './rule.ts';
import { record } from './world.ts';

const stored = (topic: string, offset: bigint, metadata = '') => ({ topic, partition: 0, offset, metadata });
const fenced = { code: 'fenced', retryable: false };

/** What a writer of the past may try. */
const steps: Readonly<Record<string, (transaction: Transaction, topic: string, group: string) => Promise<unknown>>> = {
  send: (transaction, topic) => transaction.send(topic, 0, [record('zombie')]),
  'send elsewhere': (transaction, topic) => transaction.send(topic, 1, [record('zombie')]),
  'store offsets': (transaction, topic, group) => transaction.storeOffsets(group, [stored(topic, 99n, 'zombie')]),
  commit: (transaction) => transaction.commit(),
  abort: (transaction) => transaction.abort(),
};

/** One name, one writer at a time. */
export const fencingRules: readonly Rule[] = [
  {
    rule: 100,
    says: 'transact ends what an earlier writer left open: nothing of it is seen, and readers go on',
    test: async (world) => {
      const [topic, name, group] = [await world.topic(), world.under.freshName('writer'), world.group()];
      const { watcher } = await world.join(world.group(), [topic]);
      const left = await (await world.transact(name)).begin();
      await left.send(topic, 0, [record('left')]);
      await left.storeOffsets(group, [stored(topic, 9n)]);
      await world.send(topic, 0, [record('behind')]);
      await world.quiet();
      expect(watcher.values).toEqual([]);
      await world.transact(name);
      expect(await world.committed(group, topic)).toBeUndefined();
      await world.eventually(() => {
        expect(watcher.values).toEqual(['behind']);
      });
    },
  },
  ...Object.entries(steps).map(
    ([step, attempt], index): Rule => ({
      rule: 101 + index,
      says: `an earlier writer in the middle of a transaction is refused with fenced: ${step}; it is spent, and its heir is not disturbed`,
      test: async (world) => {
        const [topic, name, group] = [await world.topic(2), world.under.freshName('writer'), world.group()];
        const { watcher } = await world.join(world.group(), [topic]);
        const old = await world.transact(name);
        const zombie = await old.begin();
        await zombie.send(topic, 0, [record('zombie')]);
        await zombie.storeOffsets(group, [stored(topic, 50n, 'zombie')]);
        const next = await world.transact(name); // this alone fences; its first transaction would come too late
        await expect(attempt(zombie, topic, group)).rejects.toMatchObject(fenced);
        const heir = await next.begin();
        await heir.send(topic, 0, [record('heir')]);
        await expect(old.begin().then((again) => again.send(topic, 0, [record('again')]))).rejects.toMatchObject({
          code: expect.stringMatching(/^(fenced|transport_failed)$/) as unknown, // transport_failed: the last transaction has not ended
        });
        await old.close();
        await heir.storeOffsets(group, [stored(topic, 8n, 'heir')]);
        await heir.commit();
        await world.transact(name);
        expect(await world.committed(group, topic)).toEqual(stored(topic, 8n, 'heir'));
        await world.eventually(() => {
          expect(watcher.values).toEqual(['heir']);
        });
      },
    }),
  ),
  {
    rule: 106,
    says: 'an earlier writer is refused with fenced also where it had begun nothing, at the latest with its first send or offsets',
    test: async (world) => {
      const topic = await world.topic(2);
      for (const step of ['send', 'store offsets'] as const) {
        const [name, group] = [world.under.freshName('writer'), world.group()];
        const [idle, begun] = [await world.transact(name), await world.transact(`${name}-2`)];
        const transaction = await begun.begin();
        await Promise.all([world.transact(name), world.transact(`${name}-2`)]);
        const late = async (): Promise<unknown> => steps[step]?.(await idle.begin(), topic, group);
        await expect(late()).rejects.toMatchObject(fenced);
        await expect(steps[step]?.(transaction, topic, group)).rejects.toMatchObject(fenced);
        await Promise.all([world.transact(name), world.transact(`${name}-2`)]);
        expect(await world.committed(group, topic)).toBeUndefined();
      }
      await world.quiet();
      expect([await world.high(topic, 0), await world.high(topic, 1)]).toEqual([0n, 0n]);
    },
  },
  {
    rule: 107,
    says: 'what committed says after transact is final: of a commit that races with it, everything is seen if it resolved, nothing if it was fenced',
    test: async (world) => {
      const [topic, name, group] = [await world.topic(), world.under.freshName('writer'), world.group()];
      const { watcher } = await world.join(world.group(), [topic]);
      let writer = await world.transact(name);
      const good: string[] = [];
      for (let round = 1; round <= 8; round += 1) {
        const transaction = await writer.begin();
        await transaction.send(topic, 0, [record(String(round))]);
        await transaction.storeOffsets(group, [stored(topic, BigInt(round))]);
        const commit = transaction.commit().then(
          () => 'committed',
          (error: unknown) => (error as { readonly code?: unknown }).code,
        );
        writer = await world.transact(name);
        const seen = await world.committed(group, topic);
        const outcome = await commit;
        expect(['committed', 'fenced']).toContain(outcome);
        if (outcome === 'committed') good.push(String(round));
        expect(seen?.offset).toBe(good.length === 0 ? undefined : BigInt(good.at(-1) ?? 0));
      }
      await world.send(topic, 0, [record('end')]);
      await world.eventually(() => {
        expect(watcher.values).toEqual([...good, 'end']);
      });
    },
  },
  {
    rule: 108,
    says: 'names do not disturb each other',
    test: async (world) => {
      const topic = await world.topic();
      const { watcher } = await world.join(world.group(), [topic]);
      const [one, two] = [await (await world.transact()).begin(), await (await world.transact()).begin()];
      await one.send(topic, 0, [record('one')]);
      await two.send(topic, 0, [record('two')]);
      await world.transact();
      await two.commit();
      await world.quiet();
      expect(watcher.values).toEqual([]); // behind the one that is still open
      await one.abort();
      await world.eventually(() => {
        expect(watcher.values).toEqual(['two']);
      });
    },
  },
  {
    rule: 109,
    says: 'a transaction that is open for longer than its timeout is aborted by the log: readers go on, and its writer is fenced',
    test: async (world) => {
      const topic = await world.topic();
      const { watcher } = await world.join(world.group(), [topic]);
      const writer = await world.transact(undefined, { timeoutMs: 1_000 });
      const transaction = await writer.begin();
      await transaction.send(topic, 0, [record('slow')]);
      await world.send(topic, 0, [record('behind')]);
      await world.quiet();
      expect(watcher.values).toEqual([]);
      await world.eventually(() => {
        expect(watcher.values).toEqual(['behind']);
      });
      await expect(transaction.commit()).rejects.toMatchObject(fenced);
    },
  },
  {
    rule: 110,
    says: 'a transact that rejected may have fenced all the same',
    untestable: 'it is a permission',
  },
  {
    rule: 111,
    says: 'a commit that rejects with transport_unavailable may have been carried out: the next transact of the name tells',
    untestable: 'it takes a lost answer; the memory broker plans such failures for its own tests',
  },
  {
    rule: 112,
    says: 'a fenced writer does not fence back unless it is certain that it still owns what the name stands for',
    untestable: 'it is a duty of the caller',
  },
];
