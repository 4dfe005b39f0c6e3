import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { scripted } from '../../src/inference/scripted/scripted.ts';
import { memory } from '../../src/transport/memory/memory.ts';
import type { Transport } from '../../src/transport/transport.ts';
import { passThrough, passThroughConsumer } from '../helpers/pass-through.ts';
import { eventsIn, serve, until } from './serving.ts';

const json = 'application/json';

/** A service that writes and reads the topic `t`, of two partitions. */
async function served({ partitions = 2, wrap = (inner: Transport) => inner, slowReaderMs = 30_000, maxReaders = 64 } = {}) {
  const transport = memory({ maxFetchRecords: 10 });
  await transport.createTopics([
    { name: 't', partitions },
    { name: 'hidden', partitions: 1 },
  ]);
  const topics = { transport: wrap(transport), produce: ['t', 'absent'], consume: ['t', 'absent'], maxReaders };
  const service = await serve({ models: { m: scripted('a') }, topics, slowReaderMs });
  const url = `${service.url}/topics/t/records`;
  const post = (body: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> =>
    fetch(url, { method: 'POST', body, headers: { 'content-type': json, ...headers } });
  return { transport, service, url, post };
}

/** A reader of events; what it has read so far is in `events`. */
async function reader(url: string, headers: Readonly<Record<string, string>> = {}) {
  const leaving = new AbortController();
  onTestFinished(() => leaving.abort());
  const response = await fetch(url, { headers, signal: leaving.signal });
  let text = '';
  const body = response.body as ReadableStream<Uint8Array> | null;
  const decoder = new TextDecoder();
  const whole = (async () => {
    for await (const chunk of body ?? []) text += decoder.decode(chunk, { stream: true });
  })().catch(() => undefined);
  const events = () => eventsIn(text.slice(0, text.lastIndexOf('\n\n') + 2));
  const ids = () => [...text.matchAll(/^id: (.*)$/gm)].map(([, id]) => id);
  return { response, events, ids, whole, leave: () => leaving.abort() };
}

const valuesOf = (events: ReturnType<typeof eventsIn>): readonly unknown[] =>
  events.map(({ data }) => (JSON.parse(data) as { readonly value: unknown }).value);

it('writes one record, many, and lines of them, as they are written, and says where they are', async () => {
  const { post, url } = await served({ partitions: 1 });
  const exact = '{"n": 12345678901234567890.10, "a":[1 ,2]}';
  expect(await (await post(`{"key": "k", "value": ${exact}}`)).json()).toEqual({ topic: 't', records: [{ partition: 0, offset: '0' }] });
  const many = await post('[{"value": "a,]"}, {"value": null}, {"valueBase64": "/w=="}]');
  expect(((await many.json()) as { readonly records: unknown[] }).records).toHaveLength(3);
  expect((await post('{"value": "x"}\n\n{"value": "y", "headers": {"h": "1"}}\n', { 'content-type': 'application/x-ndjson' })).status).toBe(
    200,
  );
  const read = await reader(`${url}?from=earliest`);
  await until(() => read.events().length === 6);
  expect(read.events()[0]?.data).toContain(`"key":"k","value":${exact}`);
  expect(valuesOf(read.events()).slice(1)).toEqual(['a,]', null, undefined, 'x', 'y']);
  expect(read.events()[3]?.data).toContain('"valueBase64":"/w=="');
});

it.each([
  ['no record', '{"key": "k"}', json, 400, /record 0: no value/],
  ['half an array', '[{"value": 1}, {"valu": 2}]', json, 400, /record 1: unknown field "valu", did you mean value/],
  ['no JSON', '[{"value": 1', json, 400, /not JSON/],
  ['nothing', '[]', json, 400, /1 to 10000 records/],
  ['a line that is none', '{"value": 1}\n{', 'application/x-ndjson', 400, /record 1: not JSON/],
  ['plain text, which pages of others may send', '{"value": 1}', 'text/plain', 415, /./],
])('refuses %s, and writes nothing of it', async (_name, body, type, status, says) => {
  const { post, transport } = await served();
  const response = await post(body, { 'content-type': type });
  const { error } = (await response.json()) as { readonly error: { readonly message: string } };
  expect([response.status, error.message]).toEqual([status, expect.stringMatching(says)]);
  const topic = (await transport.describeTopics(['t'])).get('t');
  expect(topic?.partitions.every(({ high }) => high === 0n)).toBe(true);
});

it('knows no topics but those that are allowed', async () => {
  const { service } = await served();
  for (const [topic, method] of [
    ['hidden', 'GET'],
    ['hidden', 'POST'],
    ['absent', 'GET'],
    ['absent', 'POST'],
  ] as const) {
    const body = method === 'POST' ? { body: '{"value": 1}', headers: { 'content-type': json } } : {};
    const response = await fetch(`${service.url}/topics/${topic}/records`, { method, ...body });
    expect([response.status, await response.json()]).toMatchObject([404, { error: { code: 'unknown_topic' } }]);
  }
});

it('writes what comes again under one idempotency key once, also while the first is under way', async () => {
  const { post, transport } = await served({ partitions: 1 });
  const key = { 'idempotency-key': 'one' };
  const answers = await Promise.all([post('{"value": 1}', key), post('{"value": 1}', key)]);
  const again = await post('{"value": 1}', key);
  const told = await Promise.all([...answers, again].map((one) => one.json()));
  expect(new Set(told.map((one) => JSON.stringify(one))).size).toBe(1);
  expect((await post('{"value": 2}', key)).status).toBe(422);
  expect((await transport.describeTopics(['t'])).get('t')?.partitions[0]?.high).toBe(1n);
});

it('reads from now on, of one key, and goes on behind the last event of before, with nothing lost or twice', async () => {
  const { post, url } = await served();
  await post('{"key": "a", "value": "old"}');
  const first = await reader(`${url}?key=a`);
  expect(first.response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  await until(() => first.ids().length === 1);
  await post('[{"key": "a", "value": "1"}, {"key": "b", "value": "2"}, {"key": "a", "value": "3"}]');
  await until(() => first.events().length === 2);
  first.leave();
  await first.whole;
  await post('[{"key": "a", "value": "4"}, {"key": "b", "value": "5"}]');
  const again = await reader(`${url}?key=a`, { 'last-event-id': first.events().at(-1)?.id ?? '' });
  await until(() => again.events().length === 1);
  await post('{"key": "a", "value": "6"}');
  await until(() => again.events().length === 2);
  expect([...valuesOf(first.events()), ...valuesOf(again.events())]).toEqual(['1', '3', '4', '6']);
});

it('begins at an offset, and fetches nothing before it', async () => {
  const fetched: bigint[] = [];
  const wrap = (inner: Transport): Transport =>
    passThrough(inner, {
      consume: (options, handlers) =>
        inner.consume(options, {
          ...handlers,
          fetched: (fetch) => {
            fetched.push(...fetch.records.map(({ offset }) => offset));
            handlers.fetched(fetch);
          },
        }),
    });
  const { post, url } = await served({ partitions: 1, wrap });
  await post(JSON.stringify(Array.from({ length: 50 }, (_, i) => ({ value: String(i) }))));
  const read = await reader(`${url}?from=0:47`);
  await until(() => read.events().length === 3);
  expect(valuesOf(read.events())).toEqual(['47', '48', '49']);
  expect(fetched[0]).toBe(47n);
  for (const from of ['0:51', '3:0', 'yesterday']) expect((await fetch(`${url}?from=${from}`)).status).toBe(400);
});

it('holds a bounded part of a topic for a reader that takes nothing, and drops it', async () => {
  let delivered = 0;
  let closed = 0;
  const wrap = (inner: Transport): Transport =>
    passThrough(inner, {
      consume: async (options, handlers) => {
        const consumer = await inner.consume(options, {
          ...handlers,
          fetched: (fetch) => {
            delivered += fetch.records.reduce((sum, { value }) => sum + (value?.length ?? 0), 0);
            handlers.fetched(fetch);
          },
        });
        return passThroughConsumer(consumer, {
          close: async () => {
            closed += 1;
            await consumer.close();
          },
        });
      },
    });
  const { transport, service } = await served({ partitions: 1, wrap, slowReaderMs: 300 });
  const value = Buffer.alloc(10_000, 'x');
  transport.broker.append(
    't',
    0,
    Array.from({ length: 5_000 }, () => ({ key: null, value, headers: [] })),
  );
  const socket = connect(Number(new URL(service.url).port), '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.pause();
  socket.write('GET /topics/t/records?from=earliest HTTP/1.1\r\nhost: localhost\r\n\r\n');
  await until(() => closed === 1);
  expect(delivered).toBeGreaterThan(0);
  expect(delivered).toBeLessThan(20e6); // what the system's own buffers take, of 50 MB
  expect(await (await fetch(`${service.url}/metrics`)).text()).toContain('millrace_service_slow_readers_total 1');
});

it('has a bound of readers, and tells those that there are when it stops', async () => {
  const { url, service } = await served({ maxReaders: 1 });
  const read = await reader(url);
  await until(() => read.ids().length === 1);
  const second = await fetch(url);
  expect([second.status, second.headers.has('retry-after')]).toEqual([429, true]);
  await service.drain({ deadlineMs: 10_000 });
  await read.whole;
  expect(read.events().at(-1)).toMatchObject({ event: 'error', data: expect.stringContaining('stopping') as string });
});
