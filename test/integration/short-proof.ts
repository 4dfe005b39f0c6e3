import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { Experiment } from '../helpers/experiment.ts';
import { describeWithKafka } from '../helpers/shared-kafka.ts';

const limitMs = 400_000;

/** The short form of a proof as a test: in a file of its own, so that two of them run at a time; skipped where what it needs cannot be had. */
export function describeShortProof(experiment: Experiment, isSkipped = false): void {
  describeWithKafka('the short form of a proof', () => {
    it.skipIf(isSkipped)(`${experiment.name}: ${experiment.summary}`, { timeout: limitMs }, async () => {
      const folder = await mkdtemp(join(tmpdir(), `millrace-${experiment.name}-`));
      onTestFinished(() => rm(folder, { recursive: true, force: true }));
      const { measured } = await experiment.run({ short: true, signal: new AbortController().signal, folder, say: () => undefined });
      expect(measured.length).toBeGreaterThan(3);
      expect(measured.filter(({ pass }) => !pass).map((one) => `${one.what}: ${one.measured}, not ${one.passes}`)).toEqual([]);
    });
  });
}
