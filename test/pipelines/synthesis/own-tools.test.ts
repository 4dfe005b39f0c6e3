import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { SeedOutcome } from '../../../pipelines/synthesis/outcome.ts';
import { runSynthesis } from '../../../pipelines/synthesis/run-synthesis.ts';
import { configFrom } from '../../../pipelines/synthesis/config.ts';
import { seedEnvironment } from '../../../pipelines/synthesis/seed-environment.ts';
import { scripted } from '../../../src/inference/scripted/scripted.ts';
import { mathAgent } from '../../helpers/math-agent.ts';
import { seedHere } from '../../helpers/seed-here.ts';
import { begunRun } from './begun-run.ts';

const module = join(import.meta.dirname, 'fixtures/own-tools.ts');
const server = { name: 'test', command: process.execPath, args: [join(import.meta.dirname, '../../helpers/mcp-server.ts')] };

/** Uses the tool that the seed names. */
const model = {
  resource: scripted(
    (call) => {
      const [, name] = /Topic:\n<data \w+>\nuse (\w+)/.exec(call.text) ?? [];
      return name !== undefined && call.text.includes('You gather facts') ? JSON.stringify({ tool: name, input: {} }) : mathAgent(call);
    },
    { name: 'agent' },
  ),
  isRemote: false,
};
const config = { environment_mode: 'math', max_depth: 1, branching_factor: 1, worker_memory_mb: 128, seed_attempts: 1 };

describe('tools of one’s own', () => {
  it('come from modules and from servers, which see the variables that are named', async () => {
    vi.stubEnv('GIVEN', 'yes');
    vi.stubEnv('NOT_GIVEN', 'secret');
    onTestFinished(() => {
      vi.unstubAllEnvs();
    });
    const own = { ...config, tool_modules: [module], mcp_servers: [{ ...server, env: ['GIVEN'], tools: ['environment'] }] };
    const folder = await begunRun(own, ['use greet', 'use test_environment']);
    expect(await runSynthesis({ folder, model, seedWork: seedHere })).toMatchObject({ done: 2, failed: 0 });
    const found = await readFile(folder.trajectories, 'utf8');
    expect([found.includes('good morning'), found.includes('GIVEN'), found.includes('secret')]).toEqual([true, true, false]);
  });

  it('that hang, or take all memory, cost their seed, and no other', async () => {
    const folder = await begunRun({ ...config, tool_modules: [module], seed_timeout_ms: 3_000 }, ['use hang', 'use eat', 'use greet']);
    const outcomes: SeedOutcome[] = [];
    const all = { folder, model, workers: 2, availableMb: 8_000 };
    const summary = await runSynthesis({ ...all, onSeed: (_, outcome) => outcomes.push(outcome) });
    expect([summary.done, summary.failed]).toEqual([1, 2]);
    expect(outcomes.flatMap((one) => (one.status === 'failed' ? `${one.error.code}: ${one.error.message}` : [])).sort()).toEqual([
      expect.stringMatching(/^call_failed: .* it took more than its 128 MiB/),
      expect.stringMatching(/^call_timeout: .* has neither asked nor ended for 3000 ms/),
    ]);
  });

  it.each([
    [[{ name: 'a' }], 'must have a command or a url, got neither'],
    [[{ name: 'a', command: 'x', url: 'http://127.0.0.1:1' }], 'got both'],
    [
      [
        { name: 'a', command: 'x' },
        { name: 'a', command: 'y' },
      ],
      'a name twice: a, a',
    ],
    [[{ name: 'a', command: 'x', env: { KEY: 'secret' } }], 'mcp_servers.0.env'],
  ])('servers %j are refused', (servers, says) => {
    expect(() => configFrom('x', { environment_mode: 'math', mcp_servers: servers })).toThrow(says);
  });

  it('a variable that a server names and that is not set is said, before anything starts', () => {
    const { config: read } = configFrom('x', {
      environment_mode: 'math',
      mcp_servers: [{ name: 'a', url: 'http://127.0.0.1:1', headers_env: { authorization: 'TOKEN' } }],
    });
    expect(() => seedEnvironment(read, {})).toThrow('mcp_servers a.headers_env names the variable TOKEN, which is not set');
    expect(seedEnvironment(read, { PATH: '/bin', TOKEN: 't', OTHER: 'o' })).toEqual({ PATH: '/bin', TOKEN: 't' });
  });
});
