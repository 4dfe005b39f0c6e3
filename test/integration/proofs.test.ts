import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { embeddedModelFile } from '../helpers/embedded-model.ts';
import type { Experiment } from '../helpers/experiment.ts';
import { describeWithKafka } from '../helpers/shared-kafka.ts';
import * as backlog from '../proofs/backlog.ts';
import * as broker from '../proofs/broker.ts';
import * as demoKill from '../proofs/demo-kill.ts';
import * as exactlyOnce from '../proofs/exactly-once.ts';
import * as keyOrder from '../proofs/key-order.ts';
import * as kill from '../proofs/kill.ts';
import * as poison from '../proofs/poison.ts';
import * as retryTopics from '../proofs/retry-topics.ts';
import * as sharedBudget from '../proofs/shared-budget.ts';
import * as rolling from '../proofs/rolling.ts';
import * as sigterm from '../proofs/sigterm.ts';
import * as storm from '../proofs/storm.ts';

const file = await embeddedModelFile();
const limitMs = 400_000;

async function failuresOf(experiment: Experiment): Promise<readonly string[]> {
  const folder = await mkdtemp(join(tmpdir(), `millrace-${experiment.name}-`));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const { measured } = await experiment.run({ short: true, signal: new AbortController().signal, folder, say: () => undefined });
  expect(measured.length).toBeGreaterThan(3);
  return measured.filter(({ pass }) => !pass).map((one) => `${one.what}: ${one.measured}, not ${one.passes}`);
}

describeWithKafka('the short form of a proof', () => {
  it.each([backlog, exactlyOnce, kill, rolling, sigterm, keyOrder, storm, broker, poison, retryTopics, sharedBudget])(
    '$name: $summary',
    { timeout: limitMs },
    async (experiment) => {
      expect(await failuresOf(experiment)).toEqual([]);
    },
  );

  it.skipIf(file.path === undefined)(`demo-kill: ${demoKill.summary}`, { timeout: limitMs }, async () => {
    expect(await failuresOf(demoKill)).toEqual([]);
  });
});
