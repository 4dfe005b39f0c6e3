import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startOpenAiServer } from '../helpers/openai-server.ts';
import { runCli, startCli } from './run-cli.ts';
import { systemClock } from '../../src/clock.ts';
import type { Output } from '../../src/command.ts';
import type { CliContext } from '../../src/cli/context.ts';
import { buildProgram, type Invocation } from '../../src/cli/program.ts';
import { serveCommand } from '../../src/cli/serve-command.ts';
import { resolveSettings } from '../../src/cli/settings.ts';
import { silentLog } from '../../src/runtime/logging.ts';
import { memory } from '../../src/transport/memory/memory.ts';

const question = { messages: [{ role: 'user', content: 'hi' }] };
const key = 'a-key-of-16-letters';

/** `millrace serve` in front of a server that says "ok". */
async function serveByCli(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const upstream = await startOpenAiServer();
  onTestFinished(() => upstream.close());
  const cli = startCli(['serve', '--model', `${upstream.url}#served-1`, '--port', '0', ...args], { env });
  const [, url = ''] = await cli.seen(/served at (http:\/\/\S+:\d+)/);
  const ask = (headers: Readonly<Record<string, string>> = {}): Promise<Response> =>
    fetch(`${url}/v1/chat/completions`, {
      ...{ method: 'POST', body: JSON.stringify(question) },
      headers: { 'content-type': 'application/json', ...headers },
    });
  return { cli, url, ask, upstream };
}

describe('millrace serve', { timeout: 60_000 }, () => {
  it('serves until it is told to stop, and then ends with 0', async () => {
    const { cli, url, ask } = await serveByCli([]);
    expect(await (await fetch(`${url}/v1/models`)).json()).toMatchObject({ data: [{ id: 'served-1' }] });
    expect(await (await ask()).json()).toMatchObject({ choices: [{ message: { content: 'ok' } }] });
    cli.child.kill('SIGTERM');
    expect((await cli.ended).code).toBe(0);
  });

  it.each(['in a file', 'in the environment'])('asks for a key that stands %s', async (where) => {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-serve-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const file = join(folder, 'keys');
    await writeFile(file, `team ${key} weight=2\n`);
    const { cli, ask } = await serveByCli(
      where === 'in a file' ? ['--key-file', file, '--host', '0.0.0.0'] : [],
      where === 'in a file' ? {} : { MILLRACE_SERVICE_KEY: key },
    );
    expect([(await ask()).status, (await ask({ authorization: `Bearer ${key}` })).status]).toEqual([401, 200]);
    expect(cli.text()).not.toContain(key);
  });

  it.each([
    [
      'other machines without a key',
      ['--host', '0.0.0.0', '--model', 'http://127.0.0.1:1/v1#m'],
      /without keys the service listens on this machine alone/,
    ],
    ['workers of what runs elsewhere', ['--workers', '2', '--model', 'http://127.0.0.1:1/v1#m'], /--workers are processes of this machine/],
    ['no number of workers', ['--workers', 'many'], /--workers must be auto, or an integer from 1 to 64 \(0 with --via\), got "many"/],
    ['a model that is none', ['--model', 'nothing'], /expected the name of a model/],
    ['keys that are not there', ['--key-file', 'nowhere.txt'], /cannot read the keys of --key-file nowhere\.txt/],
  ])('refuses %s with 2', async (_name, args, says) => {
    const { code, stderr } = await runCli(['serve', ...args]);
    expect([code, stderr]).toEqual([2, expect.stringMatching(says)]);
  });
});

const brokers = ['--brokers', 'localhost:9092'];

/** `millrace serve` in this process, through the parser of its flags; topics are in memory. Rejects with what it refuses. */
async function serve(args: readonly string[], transport = memory()): Promise<string> {
  const stopping = new AbortController();
  const served = Promise.withResolvers<string>();
  const nothing = (): void => undefined;
  const out: Output = {
    ...{ isJson: true, isTty: false, width: 80, line: nothing, note: nothing, live: nothing, table: nothing },
    drained: () => Promise.resolve(),
    json: (value) => served.resolve((value as { readonly serving: { readonly url: string } }).serving.url),
  };
  const onInvocation = async ({ command, flags, ...given }: Invocation): Promise<void> => {
    const settings = resolveSettings({ flags, env: {}, cwd: tmpdir(), options: command.options });
    const opened = { transport, where: 'memory', close: () => Promise.resolve() };
    const context = {
      settings,
      out,
      log: silentLog,
      clock: systemClock,
      signal: stopping.signal,
      openTransport: () => Promise.resolve(opened),
    };
    await command.run(given, context as unknown as CliContext);
  };
  const program = buildProgram({ version: '0', commands: [serveCommand], onInvocation });
  const ended = program.parseAsync(['serve', '--port', '0', ...args], { from: 'user' });
  onTestFinished(async () => {
    stopping.abort();
    await ended.catch(nothing);
  });
  await Promise.race([served.promise, ended]);
  return served.promise;
}

/** A server that says "ok", as the value of --model. */
async function upstream() {
  const server = await startOpenAiServer();
  onTestFinished(() => server.close());
  return { server, model: ['--model', `${server.url}#m`] };
}

const askAt = (url: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> =>
  fetch(`${url}/v1/chat/completions`, {
    ...{ method: 'POST', body: JSON.stringify(question) },
    headers: { 'content-type': 'application/json', ...headers },
  });

it('--via asks workers of other servers, too, and --workers 0 asks them alone', async () => {
  const { server, model } = await upstream();
  const topics = memory();
  const [both, front] = await Promise.all([
    serve([...model, ...brokers, '--via', 'asks'], topics),
    serve([...brokers, '--via', 'asks', '--workers', '0', '--via-max-open', '3', '--as', 'behind'], topics),
  ]);
  for (const url of [both, front]) expect(await (await askAt(url)).json()).toMatchObject({ choices: [{ message: { content: 'ok' } }] });
  expect(server.requests).toHaveLength(2);
  expect(await (await fetch(`${front}/state`)).json()).toMatchObject({ models: [{ name: 'behind', places: 3 }] });
  expect(await (await fetch(`${both}/state`)).json()).toMatchObject({ models: [{ name: 'm', places: 64 }] });
  expect([...(await topics.describeTopics(['asks', 'asks.tokens', 'asks.control', 'asks.dead'])).keys()]).toHaveLength(4);
});

it('--key-file gives each key its limits', async () => {
  const { model } = await upstream();
  const folder = await mkdtemp(join(tmpdir(), 'millrace-serve-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, 'keys');
  const lines = [
    '# who may ask',
    'few the-key-of-few-requests requests-per-minute=1',
    'small the-key-of-few-tokens tokens-per-minute=20 max-open=3',
  ];
  await writeFile(file, lines.join('\r\n'));
  const url = await serve([...model, '--key-file', file]);
  const statuses = async (key: string): Promise<readonly unknown[]> => {
    const answers = [await askAt(url, { authorization: `Bearer ${key}` }), await askAt(url, { authorization: `Bearer ${key}` })];
    return answers.map(({ status, headers }) => [status, headers.has('retry-after')]);
  };
  expect(await statuses('the-key-of-few-requests')).toEqual([
    [200, false],
    [429, true],
  ]);
  expect(await statuses('the-key-of-few-tokens')).toEqual([
    [429, false], // an answer may have 512
    [429, false],
  ]);
  expect((await askAt(url)).status).toBe(401);
});

it.each([
  ['no workers at all', ['--workers', '0'], /--workers 0 needs --via TOPIC/],
  ['a bound of no topic', ['--via-max-open', '3'], /--via-max-open is of --via TOPIC/],
  ['no room on the topic', ['--via', 'asks', ...brokers, '--via-max-open', '0'], /1 to 100000|at least 1|from 1/],
  ['topics of this process alone', ['--via', 'asks'], /serve needs a broker that outlives it/],
  ['a name that no topic has', ['--via', 'a/b', ...brokers], /topic/],
  ['the memory of what runs elsewhere', ['--model', 'http://h/v1#m', '--max-memory-mb', '512'], /--max-memory-mb bounds the processes/],
  ['memory for no process', ['--max-memory-mb', '3'], /64/],
  ['what follows 64 MiB, which are enough', ['--max-memory-mb', '64', '--via', 'asks'], /serve needs a broker/],
])('refuses %s', async (_name, args, says) => {
  await expect(serve(args)).rejects.toThrow(says);
});

it.each([
  [
    'a limit that is none',
    'a a-key-of-16-letters requests-per-hour=3',
    /line 1 of the keys: behind the key may stand weight=, max-open=, requests-per-minute=, tokens-per-minute=/,
  ],
  ['a limit below 1', 'a a-key-of-16-letters max-open=0', /keys\[0\]\.maxOpen must be an integer/],
  ['half a request a minute', 'a a-key-of-16-letters requests-per-minute=0.5', /keys\[0\]\.requestsPerMinute must be an integer/],
])('refuses a file of keys with %s, and shows no key', async (_name, line, says) => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-serve-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'keys'), line);
  const failure: unknown = await serve(['--model', 'http://127.0.0.1:1/v1#m', '--key-file', join(folder, 'keys')]).catch(
    (error: unknown) => error,
  );
  expect(String(failure)).toMatch(says);
  expect(String(failure)).not.toContain('a-key-of-16-letters');
});
