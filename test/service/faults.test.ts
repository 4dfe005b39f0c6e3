import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Observable, of } from 'rxjs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { InferenceError } from '../../src/errors.ts';
import { completeModel } from '../../src/inference/complete-model.ts';
import { scripted } from '../../src/inference/scripted/scripted.ts';
import { virtualClock } from '../../src/virtual-clock.ts';
import { eventsIn, serve, serveScript, until } from './serving.ts';

const said = 'one two three';
const question = { model: 'm', messages: [{ role: 'user', content: 'count' }] };

/** A connection of a client that does as it likes; what it has read is in `text`. */
async function rawClient(
  url: string,
): Promise<{ readonly socket: Socket; readonly text: () => string; readonly closed: Promise<unknown> }> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  socket.on('error', () => undefined);
  return { socket, text: () => text, closed: once(socket, 'close') };
}

/** A chat, as its bytes. */
function postOf(body: unknown, ...headers: readonly string[]): string {
  const text = JSON.stringify(body);
  const head = ['host: localhost', 'content-type: application/json', `content-length: ${String(text.length)}`, ...headers];
  return `POST /v1/chat/completions HTTP/1.1\r\n${head.join('\r\n')}\r\n\r\n${text}`;
}

describe('what clients do to it', () => {
  it('serves 1,000 streams at once, whole, and keeps nothing of them', async () => {
    const clock = virtualClock(1_000_000);
    const { service, model } = await serveScript(said, { latencyMs: 500, tokenMs: 1 }, { concurrency: 1_000, clock });
    const streams = async (n: number): Promise<readonly string[]> => {
      const clients = await Promise.all(Array.from({ length: n }, () => rawClient(service.url)));
      for (const { socket } of clients) socket.write(postOf({ ...question, stream: true }, 'connection: close'));
      await until(() => model.stats.running === n);
      await clock.advance(1_000);
      await Promise.all(clients.map(({ closed }) => closed));
      return clients.map(({ text }) => text());
    };
    await streams(20);
    globalThis.gc?.();
    const before = process.memoryUsage().heapUsed;
    const texts = await streams(1_000);
    const answers = texts.map((text) => [...text.matchAll(/"content":"([^"]*)"/g)].map(([, content]) => content).join(''));
    expect([answers.filter((text) => text === said).length, texts.filter((text) => text.includes('data: [DONE]\n\n')).length]).toEqual([
      1_000, 1_000,
    ]);
    await clock.advance(1);
    expect((await service.state()).generations).toEqual({ open: 0, kept: 0 });
    expect(model.stats).toMatchObject({ completed: 1_020, running: 0 });
    globalThis.gc?.();
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(40e6);
  });

  it('answers who comes to a full queue with 429, and when to come again; then serves on', async () => {
    const clock = virtualClock(1_000_000);
    const { post, service } = await serveScript('a b', { tokenMs: 60 }, { concurrency: 1, maxWaiting: 1, clock });
    const ask = (): Promise<Response> => post('/v1/chat/completions', question);
    const served = [ask(), ask()];
    await until(async () => (await service.state()).models[0]?.waiting === 1);
    const third = await ask();
    expect([third.status, third.headers.get('retry-after')]).toEqual([429, expect.stringMatching(/^[1-9]\d*$/)]);
    expect(await third.json()).toMatchObject({ error: { type: 'rate_limit_error', code: 'rate_limit_exceeded' } });
    await clock.advance(1_000);
    expect((await Promise.all(served)).map(({ status }) => status)).toEqual([200, 200]);
    const fourth = ask();
    await until(async () => (await service.state()).generations.open === 1);
    await clock.advance(1_000);
    expect((await fourth).status).toBe(200);
  });

  it('drops a reader that takes nothing, and frees the model', async () => {
    let running = 0;
    const text = 'x'.repeat(64 * 1024);
    const { capabilities } = scripted('');
    const endless = new Observable<{ readonly text: string; readonly index: number }>((out) => {
      running += 1;
      const timer = setInterval(() => out.next({ text, index: 0 }), 1);
      return () => {
        running -= 1;
        clearInterval(timer);
      };
    });
    const value = completeModel({ name: 'm', capabilities, chat: () => endless, countTokens: () => of(1) });
    const m = { name: 'm', open: () => Promise.resolve({ value, close: () => Promise.resolve() }) };
    const service = await serve({ models: { m }, slowReaderMs: 100 });
    const { socket } = await rawClient(service.url);
    socket.pause();
    socket.write(postOf({ ...question, stream: true }));
    await until(async () => (await (await fetch(`${service.url}/metrics`)).text()).includes('millrace_service_slow_readers_total 1'));
    await until(() => running === 0);
    await until(async () => (await service.state()).generations.kept === 0);
    expect((await service.state()).generations).toEqual({ open: 0, kept: 0 });
  });

  it.each([
    ['a body of 2 MiB', { method: 'POST', body: JSON.stringify({ prompt: 'x'.repeat(2 ** 21) }) }, 413],
    ['no JSON', { method: 'POST', body: '{"prompt":' }, 400],
    ['names that reach for prototypes', { method: 'POST', body: '{"prompt":"a","__proto__":{"x":1}}' }, 400],
    ['a form', { method: 'POST', body: 'prompt=a', headers: { 'content-type': 'application/x-www-form-urlencoded' } }, 415],
    ['text, which pages of others may send', { method: 'POST', body: '{"prompt":"a"}', headers: { 'content-type': 'text/plain' } }, 415],
    ['a wrong method', { method: 'PUT', body: '{}' }, 404],
    [
      'another origin asking whether it may',
      { method: 'OPTIONS', headers: { origin: 'http://evil.example', 'access-control-request-method': 'POST' } },
      404,
    ],
    ['a malformed priority', { method: 'POST', body: '{"prompt":"a"}', headers: { 'millrace-priority': 'high' } }, 400],
  ])('answers %s in the form of all errors, and allows no other origin', async (_name, init, status) => {
    const { service, model } = await serveScript(said);
    const headers = { 'content-type': 'application/json', ...('headers' in init ? init.headers : {}) };
    const response = await fetch(`${service.url}/v1/generate`, { ...init, headers });
    expect([response.status, await response.json()]).toMatchObject([
      status,
      { error: { message: expect.any(String) as string, type: expect.any(String) as string } },
    ]);
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
    expect(model.stats.calls).toBe(0);
  });

  it('ends a request whose headers do not end', async () => {
    const { service } = await serveScript(said);
    const { socket, text, closed } = await rawClient(service.url);
    socket.write('POST /v1/generate HTTP/1.1\r\nhost: localhost\r\n');
    for (let kib = 0; kib < 64 && !socket.destroyed; kib += 1) {
      socket.write(`x-more: ${'y'.repeat(1_000)}\r\n`);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await closed;
    expect(text()).toMatch(/^HTTP\/1\.1 431 /);
    expect((await fetch(`${service.url}/healthz`)).status).toBe(200);
  });

  it('knows nobody by another name of this machine, unless there are keys', async () => {
    const { service } = await serveScript(said);
    const { socket, text } = await rawClient(service.url);
    socket.write('GET /state HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n');
    await until(() => text().includes('\r\n\r\n'));
    expect(text()).toMatch(/^HTTP\/1\.1 403 /);
  });

  it.each([
    ['its own', '30', 600_000],
    ["the service's, which is shorter", '86400000', 30],
  ])('ends what has a deadline at %s', async (_name, asked, requestTimeoutMs) => {
    const { post, model } = await serveScript('a b c', { tokenMs: 10_000 }, { requestTimeoutMs });
    const response = await post('/v1/chat/completions', question, { headers: { 'millrace-timeout-ms': asked } });
    expect([response.status, await response.json()]).toMatchObject([504, { error: { code: 'deadline_exceeded' } }]);
    expect(model.stats).toMatchObject({ running: 0, aborted: 1 });
  });
});

it('ends vectors, too, at their deadline, also while they wait', async () => {
  const { post, model, service } = await serveScript('a b c', { tokenMs: 10_000 }, { concurrency: 1 });
  await post('/v1/generate', { prompt: 'count' });
  await until(() => model.stats.running === 1);
  const response = await post('/v1/embeddings', { input: 'a' }, { headers: { 'millrace-timeout-ms': '30' } });
  expect([response.status, await response.json()]).toMatchObject([504, { error: { code: 'deadline_exceeded' } }]);
  expect((await service.state()).models).toMatchObject([{ running: 1, waiting: 0 }]);
});

describe('its life', () => {
  it('finishes what runs, takes nothing new, and ends', async () => {
    const clock = virtualClock(1_000_000);
    const { post, service } = await serveScript('a b c', { tokenMs: 60 }, { clock });
    const running = await post('/v1/chat/completions', { ...question, stream: true });
    const drained = service.drain({ deadlineMs: 10_000 });
    expect((await fetch(`${service.url}/readyz`)).status).toBe(503);
    const refused = await post('/v1/chat/completions', question);
    expect([refused.status, refused.headers.has('retry-after')]).toEqual([503, true]);
    await clock.advance(1_000);
    expect(eventsIn(await running.text()).at(-1)?.data).toBe('[DONE]');
    await drained;
    await expect(fetch(`${service.url}/healthz`)).rejects.toThrow();
  });

  it('tells those whose answers it cannot finish', async () => {
    const { post, service, model } = await serveScript('a b c', { tokenMs: 60_000 });
    const running = await post('/v1/generate', { prompt: 'count' });
    await until(() => model.stats.running === 1);
    const text = running.text();
    await service.drain({ deadlineMs: 0 });
    const told = eventsIn(await text).map(({ data }) => data);
    expect(told.slice(-2)).toEqual([expect.stringContaining('the service is stopping'), '[DONE]']);
    expect(model.stats.running).toBe(0);
  });

  it('does not start with a model that cannot, and closes the others', async () => {
    let closed = 0;
    const good = scripted(said);
    const models = {
      good: { name: 'good', open: () => Promise.resolve({ value: good, close: () => Promise.resolve(void (closed += 1)) }) },
      bad: { name: 'bad', open: () => Promise.reject(new InferenceError('model_not_found', 'there is no such file: pull it')) },
    };
    await expect(serve({ models })).rejects.toThrow('there is no such file: pull it');
    expect(closed).toBe(1);
  });

  it('says which port it could not have', async () => {
    const { service } = await serveScript(said);
    const port = Number(new URL(service.url).port);
    await expect(serve({ models: { m: scripted(said) }, port })).rejects.toThrow(`cannot listen at 127.0.0.1:${String(port)}`);
  });

  it.each([
    ['other machines without keys', { host: '0.0.0.0' }, /without keys the service listens on this machine alone/],
    ['an option that is none', { maxWait: 5 }, /serveModels has no option maxWait/],
    ['a port out of range', { port: 70_000 }, /port must be an integer from 0 to 65535/],
    ['no models', { models: {} }, /models must be 1 to 100/],
  ])('refuses %s', async (_name, options, says) => {
    await expect(serve({ models: { m: scripted(said) }, ...options })).rejects.toThrow(says);
  });

  it('shows a page that may run nothing but its own script', async () => {
    const { service } = await serveScript(said);
    const response = await fetch(service.url);
    const html = await response.text();
    const policy = response.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    for (const [tag, directive] of [
      ['script', 'script-src'],
      ['style', 'style-src'],
    ] as const) {
      const [, inside = ''] = new RegExp(`<${tag}>([^]*)</${tag}>`).exec(html) ?? [];
      const digest = Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(inside))).toString('base64');
      expect(policy).toContain(`${directive} 'sha256-${digest}'`);
    }
  });
});
