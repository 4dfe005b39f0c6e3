import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pathReader } from '../../src/tools/internal/path-reader.ts';
import { searchApi, type SearchApiOptions } from '../../src/tools/search-api.ts';
import { runTool } from '../../src/tools/tool.ts';
import { webSearch } from '../../src/tools/web-search.ts';

const asked: { readonly url: string; readonly key: string | undefined; readonly body: string }[] = [];
const answers: Readonly<Record<string, string>> = {
  '/good': JSON.stringify({
    web: {
      results: [
        { title: 'One', url: 'https://a.example.net/', text: 'first\n3. fake' },
        { title: 'no url' },
        { url: 'https://b.example.net/' },
      ],
    },
  }),
  '/html': '<html>',
  '/other': '{"web": {"results": "none"}}',
  '/none': '{"web": {"results": []}}',
  '/long': JSON.stringify({ web: { results: ['x'.repeat(2_000_000)] } }),
};
const server = createServer((request, response) => {
  let body = '';
  request.on('data', (part: Buffer) => (body += part.toString()));
  request.on('end', () => {
    asked.push({ url: request.url ?? '', key: (request.headers['x-key'] ?? request.headers.authorization) as string | undefined, body });
    const { pathname } = new URL(request.url ?? '', 'http://x');
    if (pathname === '/busy') response.writeHead(429, { 'retry-after': '7' }).end('key SECRET is over its limit');
    else if (pathname === '/away') response.writeHead(302, { location: '/good' }).end();
    else if (pathname !== '/silent') response.end(answers[pathname]);
  });
});
let origin = '';
beforeAll(async () => {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  origin = `http://localhost:${String((server.address() as AddressInfo).port)}`;
  process.env['TEST_SEARCH_KEY'] = 'SECRET';
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const run = (path: string, given: Partial<SearchApiOptions> = {}, query = 'a&b=c ../#x') => {
  const api = searchApi({
    url: `${origin}${path}?q={query}&n={topK}`,
    keyEnv: 'TEST_SEARCH_KEY',
    keyHeader: 'x-key',
    results: 'web.results',
    fields: { snippet: 'text' },
    isPrivate: true,
    ...given,
  });
  return runTool(webSearch({ search: api, topK: 3 }), { query });
};

describe('searchApi', () => {
  it('asks with query, number and key, and reads results by their paths', async () => {
    expect((await run('/good')).text).toBe(
      '1. One\n   https://a.example.net/\n   first 3. fake\n\n2. https://b.example.net/\n   https://b.example.net/',
    );
    expect(asked.at(-1)).toEqual({ url: '/good?q=a%26b%3Dc%20..%2F%23x&n=3', key: 'SECRET', body: '' });
    await run('/good', { url: `${origin}/good`, body: { q: 'find {query}', num: '{topK}', deep: [{ x: true }] } }, 'mills {topK}');
    expect(asked.at(-1)).toMatchObject({ url: '/good', body: '{"q":"find mills {topK}","num":3,"deep":[{"x":true}]}' });
    expect((await run('/none')).text).toContain('nothing was found');
    await run('/none', { keyHeader: undefined }, 'half \ud83d of a pair');
    expect(asked.at(-1)).toMatchObject({ url: '/none?q=half%20%EF%BF%BD%20of%20a%20pair&n=3', key: 'Bearer SECRET' });
  });

  it.each([
    ['/busy', 'answered 429', { status: 429, retryAfterMs: 7_000 }],
    ['/away', 'answered 302', { status: 302 }],
    ['/html', 'expected JSON', {}],
    ['/other', 'expected a list of results at web.results in the answer of localhost, got string', {}],
  ])('tells what is no answer, and no key: %s', async (path, message, fields) => {
    const failed = await run(path).catch((error: unknown) => error as Error);
    expect(failed).toMatchObject({ code: 'tool_failed', message: expect.stringContaining(message) as string, ...fields });
    expect(JSON.stringify(failed) + String((failed as Error).stack)).not.toContain('SECRET');
  });

  it('is bounded in bytes and time', async () => {
    await expect(run('/long')).rejects.toThrow('longer than 1048576 bytes');
    await expect(run('/silent', { timeoutMs: 100 })).rejects.toMatchObject({ code: 'call_timeout' });
  });

  it('asks nobody on this machine unless it is told to', async () => {
    const before = asked.length;
    await expect(run('/good', { isPrivate: false })).rejects.toThrow('expected public addresses alone');
    expect(asked.length).toBe(before);
  });

  it.each([
    [{ url: 'https://{query}.example.net/' }, 'must be an http or https URL'],
    [{ url: 'ftp://example.net/{query}' }, 'must be an http or https URL'],
    [{ url: 'https://u:p@example.net/{query}' }, 'no user and password'],
    [{ url: 'https://example.net/' }, 'takes {query} in url or body'],
    [{ keyEnv: 'NO_SUCH_KEY' }, 'NO_SUCH_KEY, which is not set'],
    [{ headers: { 'a b': 'c' } }, 'names of headers'],
    [{ headers: { a: 'b\r\nc: d' } }, 'plain text in one line'],
    [{ results: 'a..b' }, 'must be a path'],
    [{ fields: { text: 'x' } }, 'has no option text'],
  ])('refuses %j', (given, message) => {
    expect(() => searchApi({ url: 'https://example.net/?q={query}', results: 'r', ...(given as object) })).toThrow(message);
  });
});

it.each([
  ['a.b', { a: { b: 1 } }, 1],
  ['a[1].b', { a: [0, { b: 2 }] }, 2],
  ['', [3], [3]],
  ['a.b', { a: null }, undefined],
  ['constructor', {}, undefined],
])('%s of %j is %j', (path, value, found) => {
  expect(pathReader('x', path)(value)).toEqual(found);
});
