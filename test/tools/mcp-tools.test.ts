import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { nameOf, remoteInput, whyTooMuch } from '../../src/tools/internal/mcp/remote-tool.ts';
import { mcpTools, type McpToolsOptions } from '../../src/tools/mcp-tools.ts';
import { runTool, type ToolResult } from '../../src/tools/tool.ts';
import type { ToolSource } from '../../src/tools/tool-source.ts';

const program = join(import.meta.dirname, '../helpers/mcp-server.ts');
const stdio: McpToolsOptions = { name: 'test', command: process.execPath, args: [program], env: { GIVEN: 'yes' } };
const run = (source: ToolSource, name: string, input: unknown = {}, options: Parameters<typeof runTool>[2] = {}): Promise<ToolResult> => {
  const found = source.tools.find((one) => one.name === name);
  if (!found) throw new Error(`no ${name} in ${source.tools.map((one) => one.name).join()}`);
  return runTool(found, input, options);
};
const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};
const until = async (holds: () => boolean): Promise<void> => {
  for (let i = 0; i < 200 && !holds(); i += 1) await new Promise((resolve) => setTimeout(resolve, 20));
};

describe('a server that is a program', () => {
  let source: ToolSource;
  beforeAll(async () => {
    process.env['NOT_GIVEN'] = 'SECRET';
    source = await mcpTools(stdio);
  });
  afterAll(() => source.close());

  it('gives its tools under a prefix, and leaves out what is too much', () => {
    expect(source.tools.map(({ name }) => name)).toEqual(
      ['say_again', 'environment', 'fail', 'hang', 'die', 'flood', 'child'].map((name) => `test_${name}`),
    );
    expect(source.leftOut).toEqual(['big: its schema is longer than 16384 characters']);
    expect(source.tools[0]).toMatchObject({ description: 'Says it again.', inputJsonSchema: { required: ['text'] } });
  });

  it('runs them; what is wrong is told before it is sent, or by the server', async () => {
    expect(await run(source, 'test_say_again', { text: 'grain' })).toEqual({ text: 'again: grain', source: 'mcp:test/say-again' });
    await expect(run(source, 'test_say_again', {})).rejects.toMatchObject({
      code: 'tool_refused',
      message: expect.stringContaining('$.text: expected a value') as string,
    });
    await expect(run(source, 'test_say_again', { text: 1 })).rejects.toMatchObject({ code: 'tool_failed' });
    await expect(run(source, 'test_fail')).rejects.toMatchObject({ code: 'tool_failed', message: 'test_fail: no luck today' });
  });

  it('sees the environment that is named, and nothing else', async () => {
    const seen = JSON.parse((await run(source, 'test_environment')).text) as Record<string, string>;
    expect(seen).toMatchObject({ GIVEN: 'yes' });
    // the shell that starts it sets these by itself
    expect(Object.keys(seen).filter((name) => !['GIVEN', 'PWD', 'OLDPWD', 'SHLVL', '_'].includes(name))).toEqual([]);
  });

  it('ends a call in time, or with its signal, and goes on', async () => {
    await expect(run(source, 'test_hang', {}, { budget: { maxMs: 100 } })).rejects.toMatchObject({ code: 'call_timeout' });
    const stop = new AbortController();
    const hanging = run(source, 'test_hang', {}, { signal: stop.signal });
    stop.abort();
    await expect(hanging).rejects.toMatchObject({ name: 'AbortError' });
    expect((await run(source, 'test_say_again', { text: 'x' })).text).toBe('again: x');
  });

  it('that dies within a call, or floods, is a failed call, and its children end with it', async () => {
    const dying = await mcpTools(stdio);
    const pid = Number((await run(dying, 'test_child')).text);
    expect(isAlive(pid)).toBe(true);
    const waiting = run(dying, 'test_hang');
    const failed = expect(waiting).rejects.toMatchObject({
      code: 'tool_failed',
      message: expect.stringMatching(
        /^test_hang: the MCP server test is gone, process \d+ ended with exit code 3: these are my last words/,
      ) as string,
    });
    await expect(run(dying, 'test_die')).rejects.toThrow('test_die: the MCP server test is gone');
    await failed;
    await expect(run(dying, 'test_say_again', { text: 'x' })).rejects.toMatchObject({ code: 'tool_failed' });
    await until(() => !isAlive(pid));
    expect(isAlive(pid)).toBe(false);
    await dying.close();
  });

  it('that floods is ended; one that is closed leaves nothing running', async () => {
    const flooding = await mcpTools(stdio);
    const pid = Number((await run(flooding, 'test_child')).text);
    await expect(run(flooding, 'test_flood')).rejects.toThrow('it wrote a message that is too long');
    await flooding.close();
    await until(() => !isAlive(pid));
    expect(isAlive(pid)).toBe(false);
  });
});

describe('a server that listens', () => {
  let server: ChildProcess | undefined;
  const sources: ToolSource[] = [];
  afterEach(async () => {
    await Promise.all(sources.splice(0).map((one) => one.close()));
  });
  afterAll(() => server?.kill('SIGKILL'));

  it('is spoken to with its headers, in JSON and in events, within bounds', async () => {
    server = spawn(process.execPath, [program, 'http'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [port] = (await once(server.stdout ?? server, 'data')) as [Buffer];
    const url = `http://127.0.0.1:${port.toString().trim()}`;
    const open = async (path: string, given: Partial<McpToolsOptions> = {}): Promise<ToolSource> => {
      const source = await mcpTools({
        name: 'web',
        url: url + path,
        headers: { authorization: 'Bearer TEST' },
        tools: ['say-again', 'flood', 'die'],
        ...given,
      });
      sources.push(source);
      return source;
    };
    for (const path of ['/json', '/events']) {
      const source = await open(path);
      expect(source.tools.map(({ name }) => name)).toEqual(['web_say_again', 'web_die', 'web_flood']);
      expect((await run(source, 'web_say_again', { text: 'grain' })).text).toBe('again: grain');
      await expect(run(source, 'web_flood')).rejects.toMatchObject({
        code: /tool_failed|call_timeout/,
      });
    }
    await expect(open('/json', { tools: ['nothing'] })).rejects.toThrow('it has no tool "nothing"; it has say-again, environment');
    const failed = await open('/json', { headers: { authorization: 'Bearer WRONG-SECRET' } }).catch((error: unknown) => error as Error);
    expect(failed).toMatchObject({ code: 'resource_failed' });
    expect((failed as Error).message).not.toContain('WRONG-SECRET');
    const last = await open('/json');
    await expect(run(last, 'web_die')).rejects.toMatchObject({ code: 'tool_failed' });
  });
});

describe('mcpTools', () => {
  it.each<[Partial<McpToolsOptions>, string | RegExp]>([
    [{ command: 'no-such-program' }, /could not be started: process \d+ ended with exit code 127/],
    [{ args: ['-e', 'console.error("Bearer abcdefgh12345"); process.exit(1)'] }, /ended with exit code 1: Bearer \[redacted\]/],
    [{ args: ['-e', 'setInterval(() => {}, 1000)'], startTimeoutMs: 300 }, 'it took longer than 300 ms'],
    [{ args: ['-e', 'console.log("hello")'] }, 'ended with exit code 0'],
  ])('says why a server does not start: %j', async (given, message) => {
    await expect(mcpTools({ ...stdio, ...given })).rejects.toMatchObject({
      code: 'resource_failed',
      message: expect.stringMatching(message) as string,
    });
  });

  it.each<[object, string]>([
    [{ name: '1' }, 'mcpTools.name'],
    [{ url: 'http://localhost' }, 'takes a command or a url, got both'],
    [{ command: undefined }, 'got neither'],
    [{ command: undefined, url: 'ftp://x' }, 'http or https'],
    [{ env: { KEY: undefined } }, 'mcpTools.env.KEY must be a text; is the variable set'],
    [{ args: 'x' }, 'mcpTools.args must be a list'],
  ])('refuses %j', async (given, message) => {
    await expect(mcpTools({ ...stdio, ...given })).rejects.toThrow(message);
  });

  it('leaves out a tool whose name is too long here, or another one’s', () => {
    const named = (name: string) => nameOf('test', { name, inputSchema: {} }, new Set(['test_say_again']));
    expect(named('say-again')).toEqual({ why: 'another one is test_say_again here, too' });
    expect(named('say-more')).toEqual({ name: 'test_say_more' });
    expect(named('x'.repeat(59))).toEqual({ name: `test_${'x'.repeat(59)}` });
    expect(named('x'.repeat(60))).toEqual({ why: 'its name is longer than 64 characters with its prefix' });
  });

  it('bounds schemas in length and depth', () => {
    let deep: Record<string, unknown> = {};
    for (let i = 0; i < 5_000; i += 1) deep = { a: deep };
    expect(whyTooMuch(deep)).toContain('nested more than 32 deep');
    expect(whyTooMuch({ a: Array(20_000).fill(1) })).toContain('longer than');
    expect(whyTooMuch({ type: 'object' })).toBeUndefined();
    const closed = remoteInput({ properties: { a: {} }, additionalProperties: false })['~standard'];
    expect(closed.validate({ b: 1 })).toMatchObject({ issues: [{ path: ['b'] }] });
    expect(closed.validate(deep)).toMatchObject({ issues: [{ message: 'expected at most 64 levels' }] });
    expect(closed.validate([])).toMatchObject({ issues: [{ message: 'expected an object' }] });
    expect(closed.validate({ a: 'x'.repeat(70_000) })).toMatchObject({
      issues: [{ message: expect.stringContaining('at most') as string }],
    });
  });
});
