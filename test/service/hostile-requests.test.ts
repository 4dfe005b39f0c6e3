import { describe, expect, it, onTestFinished } from 'vitest';
import { memory } from '../../src/transport/memory/memory.ts';
import { scripted } from '../../src/inference/scripted/scripted.ts';
import { completeModel } from '../../src/inference/complete-model.ts';
import { NEVER, of } from 'rxjs';
import { rawClient } from '../proofs/service-faults/raw-client.ts';
import { virtualClock } from '../../src/virtual-clock.ts';
import { eventsIn, serve, serveScript, until } from './serving.ts';

const question = { model: 'm', messages: [{ role: 'user', content: 'count' }] };

/** What a client that writes these bytes gets, until the connection closes. */
async function told(url: string, ...parts: readonly string[]): Promise<string> {
  const client = await rawClient(url);
  onTestFinished(() => void client.socket.destroy());
  for (const part of parts) client.socket.write(part);
  await client.closed;
  return client.text();
}

const post = (body: string, ...headers: readonly string[]): string =>
  [
    'POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json',
    ...headers,
    `content-length: ${String(Buffer.byteLength(body))}\r\n\r\n${body}`,
  ].join('\r\n');
const streamed = JSON.stringify({ ...question, stream: true });

describe('bytes that are no request', () => {
  it.each([
    ['no HTTP', 'hello\r\n\r\n', 400],
    ['two lengths', 'POST /v1/generate HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}', 400],
    ['a length and chunks', 'POST /v1/generate HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n{}', 400],
    ['a header of 20 KiB', `GET /state HTTP/1.1\r\nhost: localhost\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`, 431],
    ['half a percent sign', 'GET /v1/generate/%zz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n', 400],
    ['a name of 200 letters', `GET /v1/generate/${'y'.repeat(200)} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`, 414],
  ])('%s is an error in the form of all errors', async (_name, bytes, status) => {
    const { service } = await serveScript('a');
    const answer = await told(service.url, bytes);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${String(status)} `));
    const error = expect.objectContaining({ message: expect.any(String) as string, type: 'invalid_request_error' }) as object;
    expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))).toEqual({ error });
  });

  it('behind a request whose answer is on its way end the connection, and stand not in the midst of the answer', async () => {
    const { service, model } = await serveScript('a b c', { tokenMs: 60_000 });
    const client = await rawClient(service.url);
    onTestFinished(() => void client.socket.destroy());
    client.socket.write(post(streamed));
    await until(() => client.text().includes('data: '));
    client.socket.write('garbage\r\n\r\n');
    await client.closed;
    expect(client.text().match(/HTTP\/1\.1/g)).toHaveLength(1);
    await until(() => model.stats.running === 0);
  });
});

describe('several requests at once on one connection', () => {
  it('are answered one after the other', async () => {
    const { service } = await serveScript('a b c');
    const text = await told(service.url, post(streamed) + post(JSON.stringify(question)) + post(streamed, 'connection: close'));
    expect([text.match(/HTTP\/1\.1 200/g)?.length, text.match(/data: \[DONE\]/g)?.length]).toEqual([3, 2]);
  });

  it('wait for their turn, however long the answer before them takes', async () => {
    const { service } = await serveScript(({ nth }) => ({ text: 'a b c', latencyMs: nth === 1 ? 400 : 0 }), {}, { slowReaderMs: 100 });
    const text = await told(service.url, post(streamed) + post(streamed, 'connection: close'));
    expect(text.match(/data: \[DONE\]/g)).toHaveLength(2);
    expect(await (await fetch(`${service.url}/metrics`)).text()).toContain('millrace_service_slow_readers_total 0');
  });

  it('are all given up when the connection ends, also those whose turn has not come', async () => {
    const { service, model } = await serveScript('a b c', { tokenMs: 60_000 });
    const client = await rawClient(service.url);
    client.socket.write([streamed, streamed, JSON.stringify(question)].map((one) => post(one)).join(''));
    await until(() => model.stats.running === 3);
    client.socket.destroy();
    await until(() => model.stats.running === 0);
    await until(async () => (await service.state()).generations.kept === 0);
    await service.drain({ deadlineMs: 60_000 }); // waits for nobody
  });
});

describe('bodies', () => {
  it.each([
    ['latin1', Buffer.from('{"prompt":"caf\xe9"}', 'latin1'), {}, 400, /must be UTF-8/],
    ['gzip', Buffer.from('{"prompt":"a"}'), { 'content-encoding': 'gzip' }, 415, /leave content-encoding out/],
    ['with a mark of byte order', Buffer.from('\uFEFF{"prompt":"a"}'), {}, 200, /\[DONE\]/],
    ['with half a character', Buffer.from('{"prompt":"a \\ud83d b"}'), {}, 200, /\[DONE\]/],
  ])('%s', async (_name, body, headers, status, says) => {
    const { service } = await serveScript('a');
    const init = { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } };
    const response = await fetch(`${service.url}/v1/generate`, init);
    expect([response.status, await response.text()]).toEqual([status, expect.stringMatching(says)]);
  });

  it('of records that are no UTF-8 are refused: what is written is what was sent', async () => {
    const transport = memory();
    await transport.createTopics([{ name: 't', partitions: 1 }]);
    const service = await serve({ models: { m: scripted('a') }, topics: { transport, produce: ['t'] } });
    const send = (body: Buffer): Promise<Response> =>
      fetch(`${service.url}/topics/t/records`, { method: 'POST', body, headers: { 'content-type': 'application/x-ndjson' } });
    expect((await send(Buffer.from('{"value":"caf\xe9"}', 'latin1'))).status).toBe(400);
    expect((await send(Buffer.from('\uFEFF{"value":"caf\u00e9"}\r\n{"value":"b"}\r\n'))).status).toBe(200);
    expect(transport.broker.records('t', 0).map(({ value }) => Buffer.from(value ?? []).toString())).toEqual(['caf\u00e9', 'b']);
  });
});

it.each([
  ['of 64 bits', 2 ** 63, 0],
  ['below 0', -1, 2 ** 32 - 1],
])('a seed %s is one', async (_name, seed, expected) => {
  const seeds: unknown[] = [];
  const { post: ask } = await serveScript((call) => {
    seeds.push(call.options.seed);
    return 'a';
  });
  expect((await ask('/v1/chat/completions', { ...question, seed })).status).toBe(200);
  expect(seeds).toEqual([expected]);
});

it('is ready as long as a model has places', async () => {
  const { capabilities } = scripted('');
  const backend = (name: string, slots: number | undefined) =>
    completeModel({
      name,
      capabilities,
      chat: () => NEVER,
      countTokens: () => of(1),
      state: () => of({ running: 0, waiting: 0, slots: now.get(name) ?? slots }),
    });
  const now = new Map<string, number>();
  const model = (name: string) => ({ name, open: () => Promise.resolve({ value: backend(name, 4), close: () => Promise.resolve() }) });
  const service = await serve({ models: { a: model('a'), b: model('b') } });
  const ready = async (): Promise<number> => (await fetch(`${service.url}/readyz`)).status;
  expect(await ready()).toBe(200);
  now.set('a', 0);
  expect(await ready()).toBe(200);
  now.set('b', 0);
  expect(await ready()).toBe(503);
});

it('is ready with a model that does not say how it is, tells what it knows without it, and asks it once for all who want to know meanwhile', async () => {
  const clock = virtualClock(1_000_000);
  let asked = 0;
  const { capabilities } = scripted('');
  const state = () => ((asked += 1) === 1 ? of({ running: 0, waiting: 0, slots: 4 }) : NEVER);
  const value = completeModel({ name: 'm', capabilities, chat: () => NEVER, countTokens: () => of(1), state });
  const m = { name: 'm', open: () => Promise.resolve({ value, close: () => Promise.resolve() }) };
  const service = await serve({ models: { m }, clock });
  const all = Promise.all(Array.from({ length: 20 }, async () => (await fetch(`${service.url}/readyz`)).status));
  await until(() => asked >= 2);
  let isOver = false;
  void all.then(() => (isOver = true));
  await until(async () => {
    await clock.advance(1_000);
    return isOver;
  });
  expect(new Set(await all)).toEqual(new Set([200]));
  expect(asked).toBeLessThan(12);

  let told: unknown;
  void fetch(`${service.url}/state`).then(async (answer) => (told = await answer.json()));
  await until(async () => {
    await clock.advance(1_000);
    return told !== undefined;
  });
  expect(told).toMatchObject({ state: 'running', models: [{ name: 'm', running: 0, waiting: 0, places: 4 }] });
});

it('is reached by an address of six numbers', async () => {
  const { service } = await serveScript('a', {}, { host: '::1' });
  expect(service.url).toMatch(/^http:\/\/\[::1\]:\d+$/);
  const init = { method: 'POST', body: '{"prompt":"a"}', headers: { 'content-type': 'application/json' } };
  expect(eventsIn(await (await fetch(`${service.url}/v1/generate`, init)).text()).at(-1)?.data).toBe('[DONE]');
});
