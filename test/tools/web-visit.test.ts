import { createServer } from 'node:net';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { whyForbidden } from '../../src/tools/internal/web/address-policy.ts';
import { plainRobots } from '../../src/tools/internal/web/robots.ts';
import { visitTool } from '../../src/tools/internal/visit-tool.ts';
import { runTool, type ToolResult } from '../../src/tools/tool.ts';
import { webVisit } from '../../src/tools/web-visit.ts';
import { virtualClock } from '../../src/virtual-clock.ts';
import { type Handler, webSite, type WebSite } from '../helpers/web-site.ts';
import { forbiddenUrls, judgedNetwork, publicAddresses, reached } from '../proofs/forbidden-urls/forbidden-urls.ts';

const open: WebSite[] = [];
afterEach(() => Promise.all(open.splice(0).map((site) => site.close())));

const site = async (pages: Readonly<Record<string, Handler | string>>, resolve?: (host: string) => readonly string[]): Promise<WebSite> => {
  const made = await webSite(pages, resolve);
  open.push(made);
  return made;
};
const settings = { timeoutMs: 5_000, maxBytes: 100_000, userAgent: 'millrace/1 (tests)' };
/** `path` may begin with a host. */
const visit = async (
  on: WebSite,
  path: string,
  given: Partial<typeof settings> & { allow?: readonly string[] } = {},
): Promise<ToolResult> => {
  const web = { ...settings, allow: ['*.example.org'], ports: [on.port], ...given };
  const [, host = '', rest = ''] = /^([\w.]*)(.*)$/.exec(path) ?? [];
  return runTool(visitTool({ corpus: undefined, web, pageChars: 8_000 }, on.network), {
    url: `http://${host === '' ? 'example.org' : host}:${String(on.port)}${rest}`,
  });
};
const to =
  (location: string, status = 302): Handler =>
  (_, response) =>
    void response.writeHead(status, { location }).end();
const send =
  (body: string | Buffer, headers: Record<string, string> = {}): Handler =>
  (_, response) =>
    void response.writeHead(200, headers).end(body);

describe('what may be connected to', () => {
  it.each(publicAddresses)('%s is public', (address) => {
    expect(whyForbidden(address, new Set())).toBeUndefined();
  });

  it('is not this machine, by a public address of its own', () => {
    expect(whyForbidden('93.184.215.14', new Set(['93.184.215.14']))).toContain("machine's own");
  });

  it.each(forbiddenUrls)('not $url $addresses', async ({ url, addresses }) => {
    const web = { ...settings, allow: ['*'], ports: [80, 443] };
    const tool = visitTool({ corpus: undefined, web, pageChars: 8_000 }, judgedNetwork(addresses, new Set()));
    await expect(runTool(tool, { url })).rejects.toMatchObject({
      code: 'tool_refused',
      message: expect.not.stringContaining(reached) as string,
    });
  });

  it('is no host that is not allowed, whose name is not even asked for', async () => {
    const on = await site({ '/': 'x' });
    await expect(visit(on, 'example.net/')).rejects.toThrow('its host is not allowed here; allowed: *.example.org');
    await expect(visit(on, 'badexample.org/')).rejects.toThrow('not allowed here');
    await expect(visit(on, 'example.org.evil.net/')).rejects.toThrow('not allowed here');
    expect(on.resolved).toEqual([]);
  });
});

describe('web_visit', () => {
  it('reads a page as text, by a name that is resolved once for each connection and sent as it is', async () => {
    const on = await site({ '/mill': '<title>The mill</title><nav>Home</nav><p>It grinds&nbsp;grain.<script>alert(1)</script>' });
    expect(await visit(on, 'www.example.org/mill')).toEqual({
      text: 'The mill\n\nIt grinds grain.',
      source: `http://www.example.org:${String(on.port)}/mill`,
    });
    expect(on.asked).toEqual(['www.example.org /robots.txt', 'www.example.org /mill']);
  });

  it('connects to what was checked, though the name means something else a moment later', async () => {
    let times = 0;
    const on = await site({ '/': '<p>once' }, () => (times++ === 0 ? ['127.0.0.1'] : ['127.0.0.2']));
    await expect(visit(on, '/')).rejects.toThrow('got one that is loopback');
    expect(on.asked).toEqual(['example.org /robots.txt']);
  });

  it('follows a redirect within a host, and tells one to another host', async () => {
    const on = await site({
      '/a': to('/b', 301),
      '/b': to('c'),
      '/c': '<p>here',
      '/out': (request, response) => to(`//other.example.org:${request.headers.host?.split(':')[1] ?? ''}/x`)(request, response),
    });
    expect((await visit(on, '/a')).text).toBe('here');
    expect((await visit(on, '/out')).text).toBe(`[this page is at http://other.example.org:${String(on.port)}/x now; visit that]`);
    expect(on.asked).not.toContain('other.example.org /x');
  });

  it.each([
    ['http://169.254.169.254/', 'expected the name of a host, got an address'],
    ['http://127.0.0.1:1/', 'got an address'],
    ['//localhost/', 'expected a public host'],
    ['file:///etc/passwd', 'expected http or https, got file:'],
    ['http://user:pw@example.org/', 'web_visit does not read "http://…@example.org/": expected no user and no password'],
    [`/${'a'.repeat(3_000)}`, 'expected at most 2048 characters'],
    ['//example.net/', 'its host is not allowed'],
    ['/again', 'more than 5 times'],
    ['http://[::1', 'sends its readers to what is no URL'],
  ])('does not go where a redirect leads: %s', async (location, message) => {
    const on = await site({ '/again': to(location) });
    await expect(visit(on, '/again')).rejects.toThrow(message);
    expect(on.resolved.every((host) => host === 'example.org')).toBe(true);
  });

  it('ends at its bound, also within what was packed', async () => {
    const zeros = Buffer.alloc(5_000_000);
    const on = await site({
      '/long': send(Buffer.alloc(100_001, 'a'), { 'content-type': 'text/plain' }),
      '/gzip': send(gzipSync(zeros), { 'content-type': 'text/plain', 'content-encoding': 'gzip' }),
      '/br': send(brotliCompressSync(zeros), { 'content-type': 'text/plain', 'content-encoding': 'br' }),
      '/twice': send(gzipSync(gzipSync('x')), { 'content-encoding': 'gzip, gzip' }),
      '/nothing': send(Buffer.concat(Array<Buffer>(5_100).fill(gzipSync(''))), { 'content-encoding': 'gzip' }),
      '/fine': send(gzipSync('grain'), { 'content-type': 'text/plain', 'content-encoding': 'gzip' }),
      '/endless': (_, response) => {
        const write = (): void => {
          while (!response.destroyed && response.write(Buffer.alloc(65_536, 'a')));
        };
        response.on('drain', write).writeHead(200, { 'content-type': 'text/plain' });
        write();
      },
    });
    for (const path of ['/long', '/gzip', '/br', '/nothing', '/endless'])
      await expect(visit(on, path)).rejects.toThrow('is longer than 100000 bytes');
    await expect(visit(on, '/twice')).rejects.toThrow('got "gzip, gzip"');
    expect((await visit(on, '/fine')).text).toBe('grain');
  });

  it.each<[string, Handler, string | RegExp, string]>([
    ['an image', send('x', { 'content-type': 'image/png' }), 'got "image/png"', 'tool_refused'],
    [
      'an image that says it is text',
      send(Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0]), { 'content-type': 'text/plain' }),
      'PNG',
      'tool_refused',
    ],
    ['404', (_, response) => void response.writeHead(404).end(), 'answered 404', 'tool_refused'],
    ['503', (_, response) => void response.writeHead(503).end(), 'answered 503', 'tool_failed'],
    ['nothing', send('<p> ', { 'content-type': 'text/html' }), 'has no text', 'tool_refused'],
    [
      'a cut answer',
      (_, response) => void response.writeHead(200, { 'content-length': '99' }).write('x', () => response.destroy()),
      /could not be asked|was cut/,
      'tool_failed',
    ],
    [
      'a cut answer that is packed',
      (_, response) =>
        void response.writeHead(200, { 'content-length': '99', 'content-encoding': 'gzip' }).write(gzipSync('x'), () => response.destroy()),
      /could not be asked|was cut/,
      'tool_failed',
    ],
    ['a cut connection', (request) => void request.socket.destroy(), 'could not be asked: ECONNRESET', 'tool_failed'],
    ['damaged gzip', send('no gzip', { 'content-encoding': 'gzip' }), 'could not be asked: Z_DATA_ERROR', 'tool_failed'],
  ])('tells %s', async (_what, handler, message, code) => {
    const on = await site({ '/': handler });
    await expect(visit(on, '/')).rejects.toMatchObject({ code, message: expect.stringMatching(message) as string });
  });

  it.each([
    [send(Buffer.from('caf\xe9', 'latin1'), { 'content-type': 'text/html; charset=ISO-8859-1' })],
    [send(Buffer.from('<meta charset="windows-1252">caf\xe9', 'latin1'), { 'content-type': 'text/html' })],
    [send('café', { 'content-type': 'text/plain; charset=no-such' })],
  ])('reads text as it says it is written: %#', async (handler) => {
    const on = await site({ '/': handler });
    expect((await visit(on, '/')).text).toBe('café');
  });

  it('has one time for all that a visit takes, and ends with its signal', async () => {
    const on = await site({ '/': () => undefined });
    await expect(visit(on, '/', { timeoutMs: 100 })).rejects.toMatchObject({ code: 'call_timeout' });
    const web = { ...settings, allow: ['example.org'], ports: [on.port] };
    const deaf = visitTool({ corpus: undefined, web, pageChars: 8_000 }, { resolve: () => new Promise(() => undefined), whyForbidden });
    const stop = new AbortController();
    const running = runTool(deaf, { url: `http://example.org:${String(on.port)}/` }, { signal: stop.signal });
    stop.abort();
    await expect(running).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('keeps the pages of the last eight visits', async () => {
    const on = await site(Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`/${String(i)}`, '<p>a'])));
    const web = { ...settings, allow: ['example.org'], ports: [on.port] };
    const tool = visitTool({ corpus: undefined, web, pageChars: 8_000 }, on.network);
    for (const i of [0, 1, 2, 3, 4, 5, 6, 7, 8, 1, 0]) await runTool(tool, { url: `http://example.org:${String(on.port)}/${String(i)}` });
    expect(on.asked.slice(-2)).toEqual(['example.org /8', 'example.org /0']);
  });

  it('keeps a page for its parts, for ten minutes', async () => {
    const clock = virtualClock();
    const on = await site({ '/': `<p>${'word '.repeat(4_000)}` });
    const web = { ...settings, allow: ['example.org'], ports: [on.port] };
    const tool = visitTool({ corpus: undefined, web, pageChars: 8_000 }, on.network);
    const url = `http://example.org:${String(on.port)}/`;
    for (const page of [1, 2, 3])
      expect((await runTool(tool, { url, page }, { clock })).text).toContain(`[page ${String(page)} of 3 pages]`);
    expect(on.asked).toHaveLength(2);
    await clock.advance(600_001);
    await runTool(tool, { url }, { clock });
    expect(on.asked.at(-1)).toBe('example.org /');
    expect(on.asked).toHaveLength(3);
  });
});

describe('robots.txt', () => {
  const rules =
    'User-agent: other\nDisallow: /\n\nUser-agent: Millrace\nDisallow: /private\nAllow: /private/open\n\nUser-agent: *\nDisallow: /';

  it("is read first and respected, by our name before everybody's", async () => {
    const on = await site({ '/robots.txt': send(rules), '/a': '<p>a', '/private/x': '<p>x', '/private/open': '<p>open' });
    expect((await visit(on, '/a')).text).toBe('a');
    expect((await visit(on, '/private/open')).text).toBe('open');
    await expect(visit(on, '/private/x')).rejects.toThrow('example.org does not allow programs to read "/private/x" (its robots.txt)');
    await expect(visit(on, '/a', { userAgent: 'stranger' })).rejects.toMatchObject({ code: 'tool_refused' });
    expect(on.asked.filter((one) => one.endsWith('/x'))).toEqual([]);
  });

  it('forbids all where it cannot be read, and nothing where there is none', async () => {
    const broken = await site({ '/robots.txt': (_, response) => void response.writeHead(500).end(), '/a': '<p>a' });
    await expect(visit(broken, '/a')).rejects.toMatchObject({
      code: 'tool_failed',
      message: expect.stringContaining('what it allows is not known') as string,
    });
    const cut = await site({ '/robots.txt': (request) => void request.socket.destroy(), '/a': '<p>a' });
    await expect(visit(cut, '/a')).rejects.toMatchObject({ code: 'tool_failed' });
    expect(cut.asked).toHaveLength(1);
  });

  it.each([429, 503])('forbids all for the time where it answers %d', async (status) => {
    const on = await site({ '/robots.txt': (_, response) => void response.writeHead(status).end(), '/a': '<p>a' });
    await expect(visit(on, '/a')).rejects.toMatchObject({ code: 'tool_failed' });
    expect(on.asked).toHaveLength(1);
  });

  it('is read as far as 512 KiB, and holds as far as it was read', async () => {
    const comment = `# ${'x'.repeat(98)}\n`;
    const on = await site({
      '/robots.txt': send(`${comment.repeat(2_000)}User-agent: *\nDisallow: /a\n${comment.repeat(4_000)}Disallow: /b`),
      '/a': '<p>a',
      '/b': '<p>b',
    });
    await expect(visit(on, '/a')).rejects.toThrow('does not allow programs to read "/a"');
    expect((await visit(on, '/b')).text).toBe('b');
  });

  it('is asked of each hop, through the same guard', async () => {
    const on = await site({ '/robots.txt': to('http://10.0.0.1/robots.txt'), '/a': '<p>a' });
    await expect(visit(on, '/a')).rejects.toThrow('got an address');
    const hops = await site({ '/robots.txt': send('User-agent: *\nDisallow: /b'), '/a': to('/b'), '/b': '<p>b' });
    await expect(visit(hops, '/a')).rejects.toThrow('does not allow programs to read "/b"');
  });

  it('takes bounded time and memory, whatever stands in it', async () => {
    const names = Array.from({ length: 10_000 }, (_, i) => `User-agent: a${String(i)}`).join('\n');
    const stars = Array.from({ length: 400 }, (_, i) => `Disallow: /${'*a'.repeat(500)}${String(i)}`).join('\n');
    const on = await site({ '/robots.txt': send(`${names}\nUser-agent: *\n${stars}`), [`/${'a'.repeat(1_900)}`]: '<p>fine' });
    const since = performance.now();
    await visit(on, `/${'a'.repeat(1_900)}`).catch(() => undefined);
    expect(performance.now() - since).toBeLessThan(5_000);
    expect(plainRobots(`${names}\nDisallow: /`, 'millrace').split('\n')).toEqual(['user-agent: other', 'disallow: /']);
    expect(plainRobots(`User-agent: *\nAllow: /${'*a'.repeat(20)}`, 'millrace')).toBe('user-agent: *\nallow: ');
  });
});

describe('webVisit', () => {
  it.each([
    [{ allow: [] }, 'a list of hosts with one at least'],
    [{ allow: ['https://example.org'] }, 'names of hosts in lower case'],
    [{ allow: ['10.0.0.12'] }, 'names of hosts'],
    [{ allow: ['*'], ports: [0] }, 'from 1 to 65535'],
    [{ allow: ['*'], userAgent: 'a\r\nb: c' }, 'webVisit.userAgent'],
    [{ allow: ['*'], maxBytes: 2 ** 40 }, 'webVisit.maxBytes'],
    [{ allow: ['*'], network: {} }, 'has no option network'],
  ])('refuses %j', (options, message) => {
    expect(() => webVisit(options)).toThrow(message);
  });

  it('reaches nothing on this machine by the public network', async () => {
    let knocks = 0;
    const server = createServer(() => (knocks += 1)).listen(0);
    const address = server.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    const tool = webVisit({ allow: ['*'], ports: [port] });
    for (const host of ['localhost', '127.0.0.1', '[::1]', '0', 'localhost.localdomain']) {
      await expect(runTool(tool, { url: `http://${host}:${String(port)}/` })).rejects.toMatchObject({ code: 'tool_refused' });
    }
    server.close();
    expect(knocks).toBe(0);
  });
});
