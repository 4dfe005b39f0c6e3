import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { topicDocuments } from '../../../pipelines/documents/topic-documents.ts';
import { bytes } from '../../../src/codec/bytes.ts';
import { topic } from '../../../src/pipeline.ts';
import { connect } from '../../../src/runtime/connect.ts';
import { memory } from '../../../src/transport/memory/memory.ts';
import { virtualClock } from '../../../src/virtual-clock.ts';

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Time goes on whenever nothing else does. */
async function within<T>(clock: ReturnType<typeof virtualClock>, work: Promise<T>): Promise<T> {
  const state = { isOver: false };
  const over = work.finally(() => (state.isOver = true));
  over.catch(() => undefined);
  while (!state.isOver) {
    await turn();
    await clock.advance(20);
  }
  return over;
}

it('a topic is read from its beginning to where it ended, each record a document, and what is written meanwhile is left to the next run', async () => {
  const clock = virtualClock(1_000_000);
  const transport = memory({ clock, partitions: 2 });
  const letters = topic('letters', bytes());
  await transport.createTopics([{ name: letters.name }]);
  const client = connect(transport, { clock });
  const values = [
    'a plain letter',
    '{"text": "a row",\n "year": 1999}',
    null,
    '[1]',
    ...Array.from({ length: 40 }, (_, n) => `letter ${String(n)}`),
  ];
  const write = (value: string | null, at: number): Promise<unknown> =>
    client.produce(letters, [{ key: at < 4 ? 'short' : 'long', value: value === null ? null : encode(value) }]);
  await within(clock, Promise.all(values.map(write)));
  const read = async (): Promise<readonly (readonly [string, string])[]> => {
    const found: (readonly [string, string])[] = [];
    for await (const source of topicDocuments({ transport, topic: letters.name, clock })) {
      if (found.length === 3) await Promise.all([0, 0, 9].map((at) => write('too late', at)));
      for (let n = 0; n < 5; n += 1) await turn(); // what was written late is fetched meanwhile
      const content = await source.read().catch(String);
      const text =
        typeof content === 'string' ? content : 'text' in content ? JSON.stringify(content) : new TextDecoder().decode(content.bytes);
      found.push([source.id, text]);
    }
    return found;
  };
  const first = await within(clock, read());
  expect(new Set(first.map(([id]) => id)).size).toBe(values.length);
  expect(new Set(first.map(([id]) => id.split('@')[0])).size).toBe(2); // partitions
  const texts = first.map(([, text]) => text);
  expect(texts).toHaveLength(values.length);
  expect(texts).not.toContain('too late');
  expect(texts).toEqual(
    expect.arrayContaining(['a plain letter', '[1]', 'letter 39', '{"text":"a row","fields":{"text":"a row","year":1999}}']),
  );
  expect(texts.filter((text) => text.includes('tombstone'))).toHaveLength(1);
  const again = await within(clock, read());
  expect(again).toEqual(expect.arrayContaining([...first]));
  expect(again).toHaveLength(values.length + 3);
});

it('a topic that is empty has no documents; one that is not there is told', async () => {
  const clock = virtualClock(1_000_000);
  const transport = memory({ clock, partitions: 2 });
  await transport.createTopics([{ name: 'empty' }]);
  const read = (name: string) => topicDocuments({ transport, topic: name, clock }).next();
  expect(await read('empty')).toEqual({ done: true, value: undefined });
  await expect(read('missing')).rejects.toMatchObject({ code: 'unknown_topic' });
});
