import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { inspect } from 'node:util';
import { createGzip } from 'node:zlib';
import { describe, expect, it, vi } from 'vitest';
import { chunkEvent, doneEvent } from '../../helpers/openai-server.ts';
import { failureOf } from '../../helpers/failure-of.ts';

import { allOf } from '../../helpers/result-of.ts';
import { apiKey, chunksOf, opened, served, toClose } from './served.ts';

/** A plain HTTP server, and how many connections it has seen. */
async function listening(listener: RequestListener) {
  const seen = { connections: 0, requests: [] as IncomingMessage[] };
  const server = createServer((incoming, outgoing) => {
    seen.requests.push(incoming);
    listener(incoming, outgoing);
  });
  server.on('connection', () => {
    seen.connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  toClose.push(
    () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  );
  return { seen, url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/v1` };
}

describe('redirects', () => {
  it.each([301, 302, 307, 308])('%i: neither the prompt nor the key goes to another address', async (status) => {
    const other = await listening((_, outgoing) => outgoing.end('{}'));
    const first = await listening((_, outgoing) =>
      outgoing.writeHead(status, { location: `${other.url}/chat/completions?t=hidden` }).end(),
    );
    const { model } = await opened({ baseUrl: first.url });
    const failure = await failureOf(chunksOf(model));
    expect([failure.code, failure.status]).toEqual(['model_not_found', status]);
    expect(failure.message).toMatch(/another address/);
    expect(failure.message).not.toMatch(/hidden/);
    expect(other.seen.requests).toHaveLength(0);
  });
});

describe('connections', () => {
  it('are used again by calls that come one after the other', async () => {
    const { seen, url } = await listening((incoming, outgoing) => {
      incoming.resume().on('end', () => outgoing.writeHead(200, { 'content-type': 'text/event-stream' }).end(answer));
    });
    const answer = `${chunkEvent('ok')}${chunkEvent(undefined, { finish_reason: 'stop' })}data: [DONE]\n\n`;
    const { model } = await opened({ baseUrl: url });
    for (let n = 0; n < 20; n += 1) {
      await chunksOf(model);
      await new Promise(setImmediate); // the connection is given back behind the last piece
    }
    expect(seen.requests).toHaveLength(20);
    expect(seen.connections).toBeLessThanOrEqual(3);
  });

  it('are not used again where a server closes them after a stream, though it says that it keeps them', async () => {
    const answered = new Set<unknown>();
    const { url } = await listening((incoming, outgoing) => {
      // as llama-server: it has closed before it could see what is sent to it now
      if (answered.has(incoming.socket)) incoming.socket.destroy();
      answered.add(incoming.socket);
      outgoing.writeHead(200, { 'content-type': 'text/event-stream', 'keep-alive': 'timeout=5, max=100' });
      outgoing.end(`${chunkEvent('ok')}${chunkEvent(undefined, { finish_reason: 'stop' })}${doneEvent}`);
    });
    const { model } = await opened({ baseUrl: url, server: 'llama-server' });
    for (let nth = 0; nth < 3; nth += 1) expect((await chunksOf(model))[0]?.text).toBe('ok');
    expect(answered.size).toBe(3);
  });

  it('are as many as there are calls at once', async () => {
    const { model, server } = await served('hang');
    const calls = Array.from({ length: 30 }, () => model.chat('x').subscribe({ error: () => undefined }));
    await vi.waitFor(() => {
      expect(server.running).toBe(30);
    });
    for (const call of calls) call.unsubscribe();
    await vi.waitFor(() => {
      expect(server.running).toBe(0);
    });
  });

  it('ask no proxy of the environment', async () => {
    const proxy = await listening((_, outgoing) => outgoing.end());
    vi.stubEnv('HTTP_PROXY', proxy.url);
    vi.stubEnv('http_proxy', proxy.url);
    const { model } = await served({ tokens: ['ok'] });
    await chunksOf(model);
    vi.unstubAllEnvs();
    expect(proxy.seen.requests).toHaveLength(0);
  });
});

describe('what is too much', () => {
  it('1 GB that came as 1 MB, zipped: model_rejected, and the rest is not unzipped', async () => {
    let unzipped = 0;
    function* zeros(): Generator<Buffer> {
      for (; unzipped < 2 ** 30; unzipped += 2 ** 20) yield Buffer.alloc(2 ** 20, 0x20);
    }
    const { url } = await listening((_, outgoing) => {
      outgoing.writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' });
      Readable.from(zeros())
        .pipe(createGzip({ level: 1 }))
        .pipe(outgoing);
    });
    const { model } = await opened({ baseUrl: url, maxAnswerBytes: 1_000_000 });
    const before = process.memoryUsage().arrayBuffers;
    expect((await failureOf(chunksOf(model))).code).toBe('model_rejected');
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(200 * 2 ** 20);
    expect(unzipped).toBeLessThan(2 ** 30);
  });

  it.each([
    ['an error', 500],
    ['a line', 200],
  ])('%s without an end is held up to maxAnswerBytes', async (_, status) => {
    let sent = 0;
    function* endless(): Generator<Buffer> {
      for (; sent < 300_000_000; sent += 65_536) yield Buffer.alloc(65_536, 0x61);
    }
    const { url } = await listening((__, outgoing) => {
      outgoing.writeHead(status, { 'content-type': 'text/event-stream' });
      Readable.from(endless()).pipe(outgoing);
    });
    const { model } = await opened({ baseUrl: url, maxAnswerBytes: 1_000_000 });
    expect((await failureOf(chunksOf(model))).code).toBe(status === 200 ? 'model_rejected' : 'model_failed');
    expect(sent).toBeLessThan(100_000_000);
  });

  it('headers of 1 MB: a failure that shows nothing of them', async () => {
    const { url } = await listening((_, outgoing) => outgoing.writeHead(200, { 'x-long': 'q'.repeat(2 ** 20) }).end());
    const { model } = await opened({ baseUrl: url });
    const failure = await failureOf(chunksOf(model));
    expect(failure.code).toBe('model_failed');
    expect(failure.message).toMatch(/longer headers than Node reads/);
    expect(failure.message).not.toMatch(/qqqq/);
  });
});

it.each([
  ['in an error', 500, { error: { message: `no, ${apiKey}` } }],
  ['in a bare error', 400, { detail: `no, Bearer ${apiKey}` }],
  ['in a page', 502, `<html>Authorization: Bearer ${apiKey}`],
  ['in a redirect', 307, { error: { message: apiKey } }],
])('a key that comes back %s is not shown', async (_, status, body) => {
  const { model } = await served({ status, body });
  const failure = await failureOf(allOf(model.chat('x')));
  expect(inspect(failure, { depth: 9 })).not.toContain(apiKey);
});
