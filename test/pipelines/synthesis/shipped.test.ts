import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readConfig, readJson } from '../../../pipelines/synthesis/config.ts';
import { demoAgent } from '../../../pipelines/synthesis/demo-agent.ts';
import { runSynthesis } from '../../../pipelines/synthesis/run-synthesis.ts';
import { scripted } from '../../../src/inference/scripted/scripted.ts';
import { seedHere } from '../../helpers/seed-here.ts';
import { begunRun, linesOf } from './begun-run.ts';

const configs = join(import.meta.dirname, '../../../pipelines/synthesis/configs');
/** By the kernel alone: where programs can be kept in, the mode must work. */
const canSandbox = spawnSync('unshare', ['-Urpmnf', 'python3', '-c', 'pass']).status === 0;

const modes: readonly (readonly [string, readonly string[]])[] = [
  ['web', ['web_search', 'web_visit']],
  ['web_parallel', ['web_search', 'web_visit']],
  ['math', ['calculator']],
  ...(canSandbox ? [['python', ['python_interpreter']] as const] : []),
];

it.each(modes)('the configuration %s that is shipped makes pairs of seeds that are shipped', async (name, tools) => {
  const { config } = await readConfig(join(configs, `${name}.json`));
  const seeds = (await readJson(join(configs, 'example_seed_entities.json'), 'seeds')) as readonly unknown[];
  const folder = await begunRun(config, seeds.slice(0, 2));
  let most = 0;
  const summary = await runSynthesis({
    ...{ folder, model: { resource: scripted(demoAgent, { name: 'script' }), isRemote: false }, seedWork: seedHere, availableMb: 8_000 },
    onRunning: (running) => (most = Math.max(most, running)),
  });
  expect(summary).toMatchObject({ done: 2, failed: 0, endedBy: 'complete' });
  const lines = await linesOf(folder);
  expect(lines.length).toBeGreaterThan(0);
  for (const { mode, tools: used, checks, evidence } of lines) {
    expect([mode, checks.answerable]).toEqual([config.environment_mode, 'pass']);
    expect(tools).toEqual(expect.arrayContaining([...used]));
    expect(evidence.length).toBeGreaterThan(0);
  }
  expect(most).toBe(Math.min(2, config.max_workers));
});
