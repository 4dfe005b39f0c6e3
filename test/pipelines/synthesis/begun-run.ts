import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { configFrom } from '../../../pipelines/synthesis/config.ts';
import type { PairLine } from '../../../pipelines/synthesis/pair-line.ts';
import { RunFolder } from '../../../pipelines/synthesis/run-folder.ts';
import { seedsFrom } from '../../../pipelines/synthesis/seed.ts';

/** A run in a folder of its own, that goes with the test. */
export async function begunRun(config: object, seeds: readonly unknown[], isOrdered = false): Promise<RunFolder> {
  const out = await mkdtemp(join(tmpdir(), 'millrace-synthesis-'));
  onTestFinished(() => rm(out, { recursive: true, force: true }));
  return begunIn(out, config, seeds, isOrdered);
}

export function begunIn(out: string, config: object, seeds: readonly unknown[], isOrdered = false): Promise<RunFolder> {
  const manifest = {
    config: configFrom('config', config).config,
    randomSeed: 7,
    seeds: seedsFrom('seeds', seeds).seeds,
    model: 'math-agent',
    isOrdered,
  };
  return RunFolder.begin(out, manifest, Date.now());
}

/** The lines of a run's pairs; each must be whole. */
export async function linesOf(folder: RunFolder): Promise<readonly PairLine[]> {
  const text = await readFile(folder.pairs, 'utf8');
  if (text !== '' && !text.endsWith('\n')) throw new Error('the last line is torn');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as PairLine);
}

/** Pairs as a set, without what may differ. */
export const pairsOf = (lines: readonly PairLine[]): readonly string[] =>
  lines.map(({ source_id: id, question, answer, trajectory_id: way }) => JSON.stringify([id, way, question, answer])).sort();
