import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startOpenAiServer } from '../helpers/openai-server.ts';
import { jsonLines, runCli, startCli } from './run-cli.ts';

async function scene(tokenMs: number) {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-load-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const server = await startOpenAiServer({ tokenMs, reply: () => ({ tokens: ['a', 'b', 'c'] }) });
  onTestFinished(() => server.close());
  return { folder, server };
}

describe('millrace load', { timeout: 60_000 }, () => {
  it('presses what a file names, as flags say, and is compared with itself', async () => {
    const { folder, server } = await scene(1);
    const [file, out] = [join(folder, 'pressure.yaml'), join(folder, 'out')];
    await writeFile(file, `pressure:\n  target-url: ${server.url}\n  num-threads: 3\n  num-tasks: 90\n  num-user: 2\nmodel: m\n`);
    const { code, stdout, stderr } = await runCli(['load', file, '--tasks', '40', '--out', out], { env: { MILLRACE_JSON: '1' } });
    expect([code, stderr]).toEqual([0, '']); // with --json nothing else is said
    expect(jsonLines(stdout)).toMatchObject([{ load: { tasks: { completed: 40, failed: 0 }, target: { kind: 'openai-chat' } } }]);
    expect([server.requests.length, server.maxRunning]).toEqual([40, 3]);
    expect(await readFile(join(out, 'load.html'), 'utf8')).toContain('<svg ');
    const compared = await runCli(['load', 'compare', out, out]);
    expect(compared.stdout).toMatch(/whole latency, p50 .*no difference\n[^]*\nno difference that matters/);
  });

  it('told to stop, tells what was measured, and ends as it was told to', async () => {
    const { folder, server } = await scene(50);
    const out = join(folder, 'stopped.json');
    const cli = startCli(['load', '--url', server.url, '--queues', '2', '--loops', '1000', '--out', out]);
    while (server.requests.length < 4) await new Promise((resolve) => setTimeout(resolve, 10));
    cli.child.kill('SIGINT');
    const { code, stdout, stderr } = await cli.ended;
    expect(code).toBe(130);
    expect(stdout).toMatch(/\d completed, 0 failed, \d given up by the stop/);
    expect(stderr).toMatch(/what is open is given up[^]*stopped before its end/);
    expect(JSON.parse(await readFile(out, 'utf8'))).toMatchObject({ isComplete: false });
  });
});
