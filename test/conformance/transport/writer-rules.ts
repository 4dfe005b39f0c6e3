import { expect } from 'vitest';
import type { Rule } from './rule.ts';
import { record, stored } from './world.ts';

/** A writer of transactions from its opening to its close: what spends it, and what does not. */
export const writerRules: readonly Rule[] = [
  {
    rule: 87,
    says: 'after a record that was refused for its size the rest of the transaction goes on without it',
    test: async (world) => {
      const topic = await world.topic(2);
      const joined = await world.reader(topic);
      const writer = await world.transact();
      const transaction = await writer.begin();
      await transaction.send(topic, 0, [record('first')]);
      for (const partition of [0, 1])
        await expect(transaction.send(topic, partition, [record('x'.repeat(3 * 2 ** 20))])).rejects.toMatchObject({
          code: 'record_too_large',
          grade: 'record',
        });
      await transaction.send(topic, 0, [record('last')]);
      await transaction.commit();
      await world.sees(joined, ['first', 'last']);
      const next = await writer.begin();
      await next.send(topic, 0, [record('next')]);
      await next.commit();
      await world.sees(joined, ['first', 'last', 'next']);
    },
  },
  {
    rule: 88,
    says: 'calls out of turn are transport_failed and change nothing',
    test: async (world) => {
      const topic = await world.topic();
      const joined = await world.reader(topic);
      const writer = await world.transact();
      const outOfTurn = { code: 'transport_failed' };
      const transaction = await writer.begin();
      await expect(writer.begin()).rejects.toMatchObject(outOfTurn);
      await expect(transaction.send(topic, 0, [])).rejects.toMatchObject(outOfTurn);
      await transaction.send(topic, 0, [record('a')]);
      const sending = transaction.send(topic, 0, [record('b')]);
      const committing = transaction.commit(); // waits for what is under way
      await expect(transaction.send(topic, 0, [record('c')])).rejects.toMatchObject(outOfTurn);
      await Promise.all([sending, committing]);
      await expect(transaction.commit()).rejects.toMatchObject(outOfTurn);
      await expect(transaction.abort()).rejects.toMatchObject(outOfTurn);
      await expect(transaction.storeOffsets(world.group(), [stored(topic, 1n)])).rejects.toMatchObject(outOfTurn);
      const next = await writer.begin();
      await next.send(topic, 0, [record('d')]);
      await next.commit();
      await writer.close();
      await expect(writer.begin()).rejects.toMatchObject(outOfTurn);
      await world.sees(joined, ['a', 'b', 'd']);
    },
  },
  {
    rule: 89,
    says: 'close waits for what is under way, aborts what is open, and is idempotent',
    test: async (world) => {
      const topic = await world.topic();
      const joined = await world.reader(topic);
      const writer = await world.transact();
      const transaction = await writer.begin();
      await transaction.send(topic, 0, [record('open')]);
      await world.send(topic, 0, [record('plain')]);
      await Promise.all([writer.close(), writer.close()]);
      await world.sees(joined, ['plain']);
      const second = await world.transact();
      const ending = await second.begin();
      await ending.send(topic, 0, [record('committed')]);
      await Promise.all([ending.commit(), second.close()]);
      await world.sees(joined, ['plain', 'committed']);
    },
  },
  {
    rule: 90,
    says: 'a transaction without records and offsets may be committed and aborted, and leaves no trace',
    test: async (world) => {
      const topic = await world.topic();
      const writer = await world.transact();
      await (await writer.begin()).commit();
      await (await writer.begin()).abort();
      const transaction = await writer.begin();
      await transaction.storeOffsets(world.group(), []);
      await transaction.commit();
      expect(await world.high(topic)).toBe(0n);
    },
  },
  {
    rule: 93,
    says: 'one transaction follows the other at once, also where each stores offsets alone',
    test: async (world) => {
      const [topic, group, name] = [await world.topic(), world.group(), world.under.freshName('writer')];
      const writer = await world.transact(name);
      for (let offset = 1n; offset <= 20n; offset += 1n) {
        const transaction = await writer.begin();
        if (offset % 3n === 0n) await transaction.send(topic, 0, [record(String(offset))]);
        await transaction.storeOffsets(group, [stored(topic, offset)]);
        await transaction.commit();
      }
      await world.transact(name);
      expect(await world.committed(group, topic)).toEqual(stored(topic, 20n));
    },
  },
  {
    rule: 92,
    says: 'a transaction while the broker is away rejects with transport_unavailable and spends its writer; the next of the name works when it is back',
    test: async (world) => {
      const broker = world.hook('bounceBroker');
      const [topic, name, group] = [await world.topic(), world.under.freshName('writer'), world.group()];
      const joined = await world.reader(topic);
      const writer = await world.transact(name);
      const transaction = await writer.begin();
      await transaction.send(topic, 0, [record('lost')]);
      await transaction.storeOffsets(group, [stored(topic, 5n)]);
      await broker.down();
      const away = { code: 'transport_unavailable', retryable: true };
      try {
        await expect(transaction.commit()).rejects.toMatchObject(away);
        await expect(world.transport.transact({ transactionalId: name })).rejects.toMatchObject(away);
        await expect(world.transport.committed(group, [stored(topic, 0n)])).rejects.toMatchObject(away);
      } finally {
        await broker.up();
      }
      await expect(writer.begin()).rejects.toMatchObject(away); // spent
      await writer.close();
      await world.eventually(async () => {
        const next = await (await world.transact(name)).begin();
        await next.send(topic, 0, [record('after')]);
        await next.commit();
      });
      expect(await world.committed(group, topic)).toBeUndefined(); // the request did not arrive
      await world.sees(joined, ['after']);
    },
  },
];
