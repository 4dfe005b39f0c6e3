import { mkdir } from 'node:fs/promises';
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { configFrom } from '../../pipelines/synthesis/config.ts';
import { RunFolder } from '../../pipelines/synthesis/run-folder.ts';
import { runSynthesis } from '../../pipelines/synthesis/run-synthesis.ts';
import { seedsFrom } from '../../pipelines/synthesis/seed.ts';
import { mathModel } from '../helpers/math-agent.ts';
import type { ExperimentContext, ExperimentResult, Finding } from '../helpers/experiment.ts';

export const name = 'synthesis';
export const summary =
  'seeds that cost 3 s of model and tool time each, by 1, 4 and 8 workers, against what is possible; about 10 minutes, --short half a minute';

/** Of one seed: three steps, writing, and the two checks. */
const callsOfSeed = 6;
const workers = [1, 4, 8] as const;

/** What is held against: 10 seeds are three rounds of four, the last half empty. */
const goals: Readonly<Record<number, number>> = { 10: 3.25, 20: 3.8, 100: 3.8 };

export async function run({ short, signal, folder, say }: ExperimentContext): Promise<ExperimentResult> {
  enableCompileCache(); // as the command line has one
  const seedMs = short ? 600 : 3_000;
  const measured: Finding[] = [];
  let pass = true;
  for (const seeds of short ? [8] : [10, 20, 100]) {
    let serialMs = 0;
    for (const count of workers) {
      signal.throwIfAborted();
      const out = join(folder, `${String(seeds)}-${String(count)}`);
      await mkdir(out);
      const ms = await timedRun({ out, seeds, workers: count, callMs: seedMs / callsOfSeed });
      if (count === 1) serialMs = ms;
      const found = findingOf({ seeds, workers: count, ms, serialMs, seedMs, isShort: short });
      say(
        `${found.what}: ${found.measured} ${found.passes === '' ? '' : found.pass ? `(${found.passes}: holds)` : `(${found.passes}: DOES NOT HOLD)`}`,
      );
      measured.push(found);
      pass &&= found.pass;
    }
  }
  return { measured, pass };
}

interface Timed {
  readonly seeds: number;
  readonly workers: number;
  readonly ms: number;
  readonly serialMs: number;
  readonly seedMs: number;
  readonly isShort: boolean;
}

function findingOf({ seeds, workers: count, ms, serialMs, seedMs, isShort }: Timed): Finding {
  const what = `${String(seeds)} seeds, ${String(count)} worker${count === 1 ? '' : 's'}`;
  const seconds = `${(ms / 1000).toFixed(1)} s`;
  if (count === 1) {
    const overhead = ms / seeds - seedMs;
    return { what, measured: `${seconds}, ${overhead.toFixed(0)} ms a seed beside its ${String(seedMs)} ms`, passes: '', pass: true };
  }
  const ceiling = seeds / Math.ceil(seeds / count);
  const ratio = serialMs / ms;
  const goal = count === 4 ? (isShort ? 1.5 : goals[seeds]) : undefined;
  return {
    what,
    measured: `${seconds}, ${ratio.toFixed(2)} x of at most ${ceiling.toFixed(2)}`,
    passes: goal === undefined ? '' : `>= ${String(goal)} x`,
    pass: goal === undefined || ratio >= goal,
  };
}

/** From the start of the run to its last file, processes and all. */
async function timedRun({
  out,
  seeds,
  workers: count,
  callMs,
}: {
  readonly out: string;
  readonly seeds: number;
  readonly workers: number;
  readonly callMs: number;
}): Promise<number> {
  const config = {
    environment_mode: 'math',
    max_depth: 3,
    branching_factor: 1,
    max_trajectories: 1,
    max_workers: count,
    worker_memory_mb: 128,
  };
  const given = Array.from({ length: seeds }, (_, n) => `subject ${String(n)} of ${String(seeds)}`);
  const manifest = {
    config: configFrom('bench', config).config,
    randomSeed: 1,
    seeds: seedsFrom('seeds', given).seeds,
    model: 'scripted',
    isOrdered: false,
  };
  const run_ = await RunFolder.begin(out, manifest, Date.now());
  const startedMs = performance.now();
  const summary = await runSynthesis({
    folder: run_,
    model: { resource: mathModel({ latencyMs: callMs }), isRemote: true },
    availableMb: 16_000,
  });
  const ms = performance.now() - startedMs;
  if (summary.done !== seeds) throw new Error(`expected ${String(seeds)} seeds to be done, got ${String(summary.done)}`);
  return ms;
}
