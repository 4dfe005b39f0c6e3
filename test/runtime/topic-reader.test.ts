import { describe, expect, it } from 'vitest';
import { readTopics } from '../../src/runtime/topic-reader.ts';
import { memory } from '../../src/transport/memory/memory.ts';
import type { Transport } from '../../src/transport/transport.ts';
import { passThrough, passThroughConsumer } from '../helpers/pass-through.ts';

const record = (i: number) => ({ key: null, value: Buffer.from(String(i)), headers: [] });

/** A topic `t` with `count` records, and what has been fetched from it. */
async function topicOf(
  count: number,
): Promise<{ readonly transport: Transport; readonly fetched: () => number; readonly closed: () => number }> {
  const inner = memory({ maxFetchRecords: 10 });
  await inner.createTopics([{ name: 't' }]);
  inner.broker.append(
    't',
    0,
    Array.from({ length: count }, (_, i) => record(i)),
  );
  const seen = { fetched: 0, closed: 0 };
  const transport = passThrough(inner, {
    consume: async (options, handlers) => {
      const fetched: typeof handlers.fetched = (fetch) => {
        seen.fetched += fetch.records.length;
        handlers.fetched(fetch);
      };
      const consumer = await inner.consume(options, { ...handlers, fetched });
      const close = async (): Promise<void> => {
        seen.closed += 1;
        await consumer.close();
      };
      return passThroughConsumer(consumer, { close });
    },
  });
  return { transport, fetched: () => seen.fetched, closed: () => seen.closed };
}

const turns = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i += 1) await new Promise((resolve) => setImmediate(resolve));
};

describe('readTopics', () => {
  it('asks for nothing more while a fetch is being taken, and misses nothing', async () => {
    const { transport, fetched, closed } = await topicOf(500);
    const values: string[] = [];
    let widest = 0;
    const take = async (records: readonly { readonly value: Uint8Array | null }[]): Promise<boolean> => {
      await turns(3);
      widest = Math.max(widest, fetched() - values.length);
      for (const { value } of records) values.push(Buffer.from(value ?? []).toString());
      return values.length === 500;
    };
    await readTopics(transport, { topics: ['t'], from: 'earliest', signal: new AbortController().signal, take });
    expect(values).toEqual(Array.from({ length: 500 }, (_, i) => String(i)));
    expect(widest).toBeLessThanOrEqual(30); // at hand, under way before the pause, and one that began before the consumer was at hand
    expect(closed()).toBe(1);
  });

  it('ends with the signal, and leaves the group', async () => {
    const { transport, closed } = await topicOf(1);
    const stop = new AbortController();
    const take = (): Promise<boolean> => {
      stop.abort();
      return Promise.resolve(false);
    };
    await readTopics(transport, { topics: ['t'], from: 'earliest', signal: stop.signal, take });
    expect(closed()).toBe(1);
  });

  it('rejects with what the taker throws, and leaves the group', async () => {
    const { transport, closed } = await topicOf(1);
    const reading = readTopics(transport, {
      topics: ['t'],
      from: 'earliest',
      signal: new AbortController().signal,
      take: () => Promise.reject(new Error('disk full')),
    });
    await expect(reading).rejects.toThrow('disk full');
    expect(closed()).toBe(1);
  });

  it('names topics that do not exist', async () => {
    const { transport } = await topicOf(1);
    const reading = readTopics(transport, {
      topics: ['t', 'u'],
      from: 'earliest',
      signal: new AbortController().signal,
      take: () => Promise.resolve(true),
    });
    await expect(reading).rejects.toThrow('topic u does not exist');
  });
});
