import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startOpenAiServer } from '../helpers/openai-server.ts';
import { runCli, startCli } from './run-cli.ts';

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
