import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { askOverHttp } from '../../src/load/ask-over-http.ts';
import { type LoadOptions, loadPlan } from '../../src/load/load-plan.ts';
import { requestBody } from '../../src/load/request-body.ts';
import type { TaskEnd } from '../../src/load/task-end.state.ts';
import type { Gap } from '../../src/load/task-meter.state.ts';

const key = 'a-key-of-16-letters';

async function listening(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
}

interface Done {
  readonly end: TaskEnd;
  readonly chunks: readonly (readonly [tokens: number, gap: Gap | undefined])[];
}

/** Asks so often, one after the other, on connections that are kept. */
async function asked(url: string, options: LoadOptions = {}, times = 1, signal = new AbortController().signal): Promise<Done[]> {
  const plan = loadPlan({ url, timeout: '5s', ...options });
  const { ask, close } = askOverHttp({
    ...{ plan, clock: systemClock, apiKey: key },
    bodyOf: ({ user }) => requestBody(plan, { prompt: 'hello' }, user),
  });
  onTestFinished(close);
  const all: Done[] = [];
  for (let number = 1; number <= times; number += 1) {
    const chunks: (readonly [number, Gap | undefined])[] = [];
    const task = { number, queue: 1, user: 'user-1', dueMs: systemClock.nowMs() };
    all.push({ end: await ask(task, (tokens, gap) => chunks.push([tokens, gap]), signal), chunks });
  }
  return all;
}

const streaming = (response: ServerResponse): ServerResponse =>
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
const data = (value: unknown): string => `data: ${typeof value === 'string' ? value : JSON.stringify(value)}\n\n`;
const delta = (content: string): string => data({ choices: [{ index: 0, delta: { content } }] });
const usage = (completion_tokens: number): string => data({ choices: [], usage: { completion_tokens } });
const done = data('[DONE]');

describe('a stream that is whole', () => {
  it.each<[string, string, string, Partial<TaskEnd>]>([
    [
      'a chat with its usage',
      '/v1/chat/completions',
      data({ choices: [{ delta: { role: 'assistant', content: '' } }] }) + delta('one ') + delta('two') + usage(7) + done,
      { tokens: 7, chunks: 2, events: 4, countedBy: 'usage' },
    ],
    ['a chat without usage', '/v1', delta('one ') + delta('two') + done, { tokens: 2, chunks: 2, countedBy: 'chunks' }],
    [
      'thoughts and arguments of calls',
      '/v1',
      data({ choices: [{ delta: { reasoning_content: 'hm' } }] }) +
        data({ choices: [{ delta: { tool_calls: [{ function: { arguments: '{' } }] } }] }) +
        done,
      { chunks: 2 },
    ],
    ['completions', '/v1/completions', data({ choices: [{ text: 'a' }] }) + data({ choices: [{ text: '' }] }) + done, { chunks: 1 }],
    [
      'the plain stream',
      '/v1/generate',
      `: id\nretry: 1000\n\nid: x:1\n${data({ text: 'ab', token_count: 2, attempt: 1 })}${data({ text: 'c', token_count: 1, attempt: 1 })}${data({ finish_reason: 'stop', usage: { completion_tokens: 3 }, attempt: 1 })}${done}`,
      { tokens: 3, chunks: 2, countedBy: 'usage', restarts: 0 },
    ],
    [
      'the plain stream begun anew: what was before does not count',
      '/v1/generate',
      data({ text: 'ab', token_count: 2, attempt: 1 }) + data({ text: 'c', token_count: 1, attempt: 2 }) + done,
      { tokens: 1, chunks: 1, countedBy: 'server', restarts: 1 },
    ],
    ['events of a server that nobody knows', '/events', data('hello') + data('{"x":1}') + data({ text: 'a' }), { chunks: 3 }],
    ['its last event without a blank line', '/v1', `${delta('a')}data: [DONE]`, { chunks: 1 }],
  ])('%s', async (_, path, text, expected) => {
    const url = await listening((_request, response) => streaming(response).end(text));
    const [one] = await asked(`${url}${path}`);
    expect(one?.end).toMatchObject({ failure: undefined, ...expected });
    expect(one?.chunks).toHaveLength(one?.end.events === undefined ? -1 : one.end.chunks + (expected.restarts ?? 0));
  });

  it('is the same cut anywhere, also within a character', async () => {
    const bytes = Buffer.from(delta('größe – 水') + usage(4) + done);
    const url = await listening((_request, response) => {
      streaming(response);
      for (const byte of bytes) response.write(Buffer.of(byte));
      response.end();
    });
    expect((await asked(url))[0]?.end).toMatchObject({ failure: undefined, tokens: 4, chunks: 1 });
  });

  it('has the times of its chunks, and the end at [DONE], not when the connection ends', async () => {
    const url = await listening((_request, response) => {
      streaming(response).write(delta('a'));
      setTimeout(() => response.write(delta('b') + done), 80);
      setTimeout(() => response.end(), 400);
    });
    const [one] = await asked(url);
    const { sentMs = 0, firstMs = 0, lastMs = 0, endMs = 0 } = one?.end ?? {};
    expect(lastMs - firstMs).toBeGreaterThan(70);
    expect(endMs - lastMs).toBeLessThan(100);
    expect(endMs - sentMs).toBeLessThan(390);
    expect(one?.chunks[1]).toEqual([1, { ms: lastMs - firstMs, tokens: 1 }]);
  });

  it('is asked for with what the target needs, and with the key', async () => {
    const seen: { body: string; authorization: string | undefined }[] = [];
    const url = await listening((request, response) => {
      let body = '';
      request.on('data', (bytes) => (body += String(bytes)));
      request.on('end', () => {
        seen.push({ body, authorization: request.headers.authorization });
        streaming(response).end(done);
      });
    });
    await asked(url, { model: 'm', maxTokens: 9, body: { temperature: 0 } });
    await asked(`${url}/v1/generate`);
    expect(seen.map(({ body }): unknown => JSON.parse(body))).toEqual([
      {
        ...{ messages: [{ role: 'user', content: 'hello' }], max_tokens: 9, stream: true, stream_options: { include_usage: true } },
        ...{ user: 'user-1', model: 'm', temperature: 0 },
      },
      { prompt: 'hello', max_tokens: 128, stream: true, user_id: 'user-1' },
    ]);
    expect(seen[0]?.authorization).toBe(`Bearer ${key}`);
  });
});

describe('what fails has its cause', () => {
  it.each<[string, string, RequestListener, string, RegExp]>([
    ['a status', '/v1', (_, response) => response.writeHead(429).end('{"error":"slow down"}'), 'status 429', /slow down/],
    ['a status without a word', '/v1', (_, response) => response.writeHead(503).end(), 'status 503', /Service Unavailable/],
    ['a redirect', '/v1', (_, response) => response.writeHead(302, { location: '/x' }).end(), 'status 302', /Found/],
    ['a status whose body never ends', '/v1', (_, response) => response.writeHead(500).write('x'.repeat(10_000)), 'status 500', /xxx/],
    ['a status whose body stands still', '/v1', (_, response) => response.writeHead(500).write('wait'), 'status 500', /wait/],
    [
      'an error with status 200',
      '/v1',
      (_, response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{"error":{"message":"no quota"}}'),
      'malformed answer',
      /got application\/json: .*no quota/,
    ],
    [
      'no stream, whose body never comes',
      '/v1',
      (_, response) => response.writeHead(200, { 'content-type': 'text/html' }).flushHeaders(),
      'malformed answer',
      /got text\/html$/,
    ],
    [
      'a packed answer, which would pass for an empty one',
      '/events',
      (_, response) =>
        response.writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' }).end(gzipSync(data('a'))),
      'malformed answer',
      /got content-encoding gzip/,
    ],
    [
      'a switch of protocols',
      '/v1',
      (request) => request.socket.end('HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'),
      'status 101',
      /^Switching Protocols$/,
    ],
    ['no JSON', '/v1', (_, response) => streaming(response).end(`${delta('a')}data: {oops\n\n`), 'malformed events', /no JSON/],
    ['JSON that is no object', '/v1', (_, response) => streaming(response).end(data('7')), 'malformed events', /no object/],
    [
      'an event without an end',
      '/v1',
      (_, response) => void streaming(response).write(`data: ${'x'.repeat(1_100_000)}`),
      'malformed events',
      /at most 1048576/,
    ],
    [
      'an end without [DONE]',
      '/v1',
      (_, response) => streaming(response).end(delta('a') + usage(1)),
      'cut stream',
      /without data: \[DONE\]/,
    ],
    [
      'a connection that is cut',
      '/v1',
      (_, response) => streaming(response).write(delta('a'), () => response.destroy()),
      'cut stream',
      /closed within the answer/,
    ],
    [
      'a cut of any stream',
      '/events',
      (_, response) => streaming(response).write(data('a'), () => response.destroy()),
      'cut stream',
      /closed within the answer/,
    ],
    [
      'a connection that is reset within',
      '/v1',
      (request, response) => streaming(response).write(delta('a'), () => setTimeout(() => request.socket.resetAndDestroy(), 20)),
      'cut stream',
      /ECONNRESET|closed/,
    ],
    ['a connection that is cut before', '/v1', (request) => request.socket.destroy(), 'connection ECONNRESET', /hang up/],
    [
      'an error event',
      '/v1/generate',
      (_, response) => streaming(response).end(`event: error\n${data({ error: { code: 'model_crashed', message: 'gone' } })}${done}`),
      'error event model_crashed',
      /gone/,
    ],
    [
      'an error of OpenAI',
      '/v1',
      (_, response) => streaming(response).end(delta('a') + data({ error: { type: 'server_error', message: 'x' } }) + done),
      'error event server_error',
      /x/,
    ],
    ['a server that never answers', '/v1', () => undefined, 'time-out', /no end within 200 ms/],
    ['a stream that stands still', '/v1', (_, response) => void streaming(response).write(delta('a')), 'time-out', /no end within 200 ms/],
    [
      'a secret in an error',
      '/v1',
      (_, response) => response.writeHead(401).end(`wrong key ${key} or Bearer abcdefghijkl`),
      'status 401',
      /^wrong key \[redacted\] or Bearer \[redacted\]$/,
    ],
    [
      'a key in the code of an error',
      '/v1',
      (_, response) => streaming(response).end(data({ error: { code: `no ${key}` } })),
      'error event no  redacted',
      /no \[redacted\]/,
    ],
  ])('%s', async (_, path, answer, cause, message) => {
    const url = await listening(answer);
    const [one] = await asked(`${url}${path}`, { timeout: '200ms' });
    expect(one?.end.failure).toEqual({ cause, message: expect.stringMatching(message) as string });
  });

  it('a password of the address is shown as little as a key is', async () => {
    const url = await listening((_, response) => response.writeHead(401).end('no pa/ss-word or pa%2Fss-word'));
    expect((await asked(url.replace('//', '//me:pa%2Fss-word@')))[0]?.end.failure?.message).toBe('no [redacted] or [redacted]');
  });

  it('nobody there', async () => {
    const [one] = await asked('http://127.0.0.1:1');
    expect(one?.end.failure?.cause).toBe('connection ECONNREFUSED');
  });

  it('a stop is no failure of the target, and reaches it', async () => {
    let gone = (): void => undefined;
    const left = new Promise<void>((resolve) => (gone = resolve));
    const stop = new AbortController();
    const url = await listening((_request, response) => {
      response.once('close', gone);
      streaming(response).write(delta('a'), () => stop.abort());
    });
    const [one] = await asked(url, {}, 1, stop.signal);
    expect(one?.end.failure?.cause).toBe('interrupted');
    await left;
  });
});

describe('connections', () => {
  it('are used again', async () => {
    const ports = new Set<number | undefined>();
    const url = await listening((request, response) => {
      ports.add(request.socket.remotePort);
      streaming(response).end(delta('a') + done);
    });
    const all = await asked(url, {}, 5);
    expect(all.map(({ end }) => end.failure)).toEqual(Array.from({ length: 5 }));
    expect(ports.size).toBe(1);
  });

  it('a kept one that the server has closed meanwhile costs a second sending, once, and is told', async () => {
    const seen = new Map<number | undefined, number>();
    const url = await listening((request, response) => {
      const nth = (seen.get(request.socket.remotePort) ?? 0) + 1;
      seen.set(request.socket.remotePort, nth);
      if (nth > 1) request.socket.destroy();
      else streaming(response).end(delta('a') + done);
    });
    const all = await asked(url, {}, 3);
    expect(all.map(({ end }) => [end.failure, end.isResent])).toEqual([
      [undefined, false],
      [undefined, true],
      [undefined, true],
    ]);
  });
});
