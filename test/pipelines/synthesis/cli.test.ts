import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { runCli } from '../../cli/run-cli.ts';
import { startAgentServer } from '../../helpers/agent-server.ts';

it('a token budget ends a run with code 4, and --resume finishes it: no seed is asked about twice', async () => {
  const server = await startAgentServer();
  const folder = await mkdtemp(join(tmpdir(), 'millrace-synthesis-'));
  onTestFinished(async () => {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  });
  const [config, seeds, out] = ['config.json', 'seeds.json', 'out'].map((name) => join(folder, name)) as [string, string, string];
  const small = {
    environment_mode: 'math',
    max_depth: 1,
    branching_factor: 1,
    max_trajectories: 1,
    max_answer_tokens: 60,
    worker_memory_mb: 128,
  };
  await writeFile(config, JSON.stringify({ ...small, model: `${server.url}#toy` }));
  await writeFile(seeds, JSON.stringify(['one', 'two', 'three', 'four', 'five', 'six']));
  // what a call may take at most is set apart: a call fits for as long as so much is left
  const first = await runCli(['synthesize', 'custom', config, seeds, out, '--token-budget', '1350']);
  expect([first.code, first.stderr]).toEqual([4, expect.stringContaining(`millrace synthesize --resume ${out} goes on`)]);
  expect(first.stdout).toMatch(/tokens, of this run +\d+ of 1350/);
  const done = [...first.stdout.matchAll(/^done +(\w+)/gm)].length - 1; // the table's row, too
  expect(done).toBeGreaterThan(0);
  expect(done).toBeLessThan(6);
  const second = await runCli(['synthesize', '--resume', out]);
  expect([second.code, [...second.stdout.matchAll(/^done +(\w+)/gm)].length - 1]).toEqual([0, 6 - done]);
  const written = server.requests.filter(({ body }) => JSON.stringify(body).includes('You write questions'));
  expect(written.length).toBeLessThanOrEqual(7); // the one that was under way, once more
  const [pairs = ''] = (await readdir(out)).filter((name) => name.endsWith('.jsonl'));
  const ids = (await readFile(join(out, pairs), 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { readonly source_id: string }).source_id);
  expect([ids.length, new Set(ids).size]).toEqual([6, 6]);
});

it('millrace synthesize custom CONFIG SEEDS OUT: a server over HTTP, and the files that are promised', async () => {
  const server = await startAgentServer();
  const folder = await mkdtemp(join(tmpdir(), 'millrace-synthesis-'));
  onTestFinished(async () => {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  });
  const [config, seeds, out] = ['config.json', 'seeds.json', 'out'].map((name) => join(folder, name)) as [string, string, string];
  await writeFile(
    config,
    JSON.stringify({ environment_mode: 'math', max_depth: 1, branching_factor: 1, model: `${server.url}#toy`, max_dept: 3 }),
  );
  await writeFile(seeds, JSON.stringify(['left out', { id: 'own', name: 'squares' }]));
  const { code, stderr, stdout } = await runCli(['synthesize', 'custom', config, seeds, out, '--offset', '1', '--limit', '1', '--ordered']);
  expect([code, stderr]).toEqual([0, expect.stringContaining('did you mean max_depth?')]);
  expect(stdout).toMatch(/done +own/);
  const files = (await readdir(out)).sort();
  expect(files.map((name) => name.replace(/\d{8}_\d{6}/, 'TIME'))).toEqual([
    'run_math_TIME',
    'statistics_math_TIME.json',
    'synthesized_qa_math_TIME.jsonl',
    'trajectories_math_TIME.json',
  ]);
  const [line = ''] = (await readFile(join(out, files[2] ?? ''), 'utf8')).split('\n');
  expect(JSON.parse(line)).toMatchObject({
    source_id: 'own',
    trajectory_id: expect.stringMatching(/^t-/) as string,
    evidence: [{ tool: 'calculator' }],
    model: 'served-1',
    tokens: { input: expect.any(Number) as number, output: expect.any(Number) as number },
  });
});
