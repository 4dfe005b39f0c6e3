import { describe, expect, it } from 'vitest';
import { readTopics } from '../../src/runtime/topic-reader.ts';
import { text } from '../../src/codec/text.ts';
import { messageOf } from '../../src/errors.ts';
import { topic } from '../../src/pipeline.ts';
import { connect } from '../../src/runtime/connect.ts';
import { silentLog } from '../../src/runtime/logging.ts';
import { memory, type MemoryTransport } from '../../src/transport/memory/memory.ts';
import type { Consumer, Transport } from '../../src/transport/transport.ts';
import { virtualClock } from '../../src/virtual-clock.ts';
import { passThrough } from '../helpers/pass-through.ts';

interface Reader {
  readonly values: string[];
  readonly warnings: string[];
  readonly stop: () => void;
}

type Read = (transport: Transport, from: 'earliest' | 'latest', onReady: () => void) => Reader;

const byClient: Read = (transport, from, onReady) => {
  const values: string[] = [];
  const warnings: string[] = [];
  const log = { ...silentLog, warn: (_: object, why: string) => void warnings.push(why) };
  const reading = connect(transport, { log })
    .consume(topic('t', text()), { from, onReady })
    .subscribe({
      next: ({ value }) => values.push(value),
      error: (error: unknown) => warnings.push(messageOf(error)),
    });
  return {
    values,
    warnings,
    stop: () => {
      reading.unsubscribe();
    },
  };
};

const byCommand: Read = (transport, from, onReady) => {
  const values: string[] = [];
  const warnings: string[] = [];
  const stop = new AbortController();
  void readTopics(transport, {
    topics: ['t'],
    from,
    onReady,
    signal: stop.signal,
    onTrouble: (why) => warnings.push(why),
    take: (records) => {
      for (const { value } of records) values.push(Buffer.from(value ?? []).toString());
      return Promise.resolve(false);
    },
  });
  return {
    values,
    warnings,
    stop: () => {
      stop.abort();
    },
  };
};

async function rig(
  read: Read,
  from: 'earliest' | 'latest',
  whenReady: (feed: (first: number, count: number) => void) => void = () => undefined,
) {
  const clock = virtualClock(1_000);
  const inner: MemoryTransport = memory({ clock, maxFetchRecords: 10 });
  await inner.createTopics([{ name: 't' }]);
  let consumer: Consumer | undefined;
  let fetched = 0;
  const transport = passThrough(inner, {
    consume: async (options, handlers) => {
      const counted: typeof handlers.fetched = (fetch) => {
        fetched += fetch.records.length;
        handlers.fetched(fetch);
      };
      consumer = await inner.consume(options, { ...handlers, fetched: counted });
      return consumer;
    },
  });
  const feed = (first: number, count: number): void => {
    const records = Array.from({ length: count }, (_, i) => ({ key: null, value: Buffer.from(String(first + i)), headers: [] }));
    inner.broker.append('t', 0, records);
  };
  const reader = read(transport, from, () => {
    whenReady(feed);
  });
  const later = async (): Promise<void> => clock.advance(1_000);
  const expel = (): void => {
    if (consumer) inner.broker.expel(consumer, { noticeMs: 50 });
  };
  return { broker: inner.broker, reader, feed, later, expel, fetched: () => fetched };
}

const upTo = (count: number): string[] => Array.from({ length: count }, (_, i) => String(i));

describe.each([
  ['connect().consume()', byClient],
  ['millrace consume', byCommand],
])('%s', (_, read) => {
  it.each(['earliest', 'latest'] as const)('goes on where it was when its group has given it up (from %s), and says so', async (from) => {
    const { reader, feed, later, expel, fetched } = await rig(read, from);
    await later();
    feed(0, 30);
    await later();
    for (const first of [30, 40]) {
      expel();
      feed(first, 10);
      await later();
    }
    reader.stop();
    expect(reader.values).toEqual(upTo(50));
    expect(reader.warnings).toEqual(
      Array.from({ length: 2 }, () => expect.stringMatching(/gave this reader up.* goes on where it was/) as string),
    );
    expect(fetched()).toBeLessThanOrEqual(60); // what the old membership read before it was told is read again
  });

  it('sees what is produced once it is ready, from latest', async () => {
    const ready: number[] = [];
    const { reader, feed, later } = await rig(read, 'latest', (feedNow) => {
      ready.push(1);
      feedNow(100, 2);
    });
    feed(0, 10);
    await later();
    await later();
    reader.stop();
    expect(reader.values.slice(-2)).toEqual(['100', '101']);
    expect(ready).toEqual([1]);
  });

  it('reads nothing twice when it cannot say where it was', async () => {
    const { broker, reader, feed, later, expel } = await rig(read, 'earliest');
    feed(0, 30);
    await later();
    expel();
    broker.failCommits(1);
    feed(30, 10);
    await later();
    reader.stop();
    expect(reader.values).toEqual(upTo(40));
  });

  it('begins with what is left when the log was cut meanwhile', async () => {
    const { broker, reader, feed, later, expel } = await rig(read, 'earliest');
    feed(0, 10);
    await later();
    expel();
    feed(10, 10);
    broker.truncate('t', 0, 15n);
    await later();
    reader.stop();
    expect(reader.values).toEqual([...upTo(10), '15', '16', '17', '18', '19']);
  });
});
