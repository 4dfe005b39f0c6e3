import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { configFrom, readJson } from '../../pipelines/synthesis/config.ts';
import { RunFolder } from '../../pipelines/synthesis/run-folder.ts';
import { runSynthesis } from '../../pipelines/synthesis/run-synthesis.ts';
import { seedsFrom } from '../../pipelines/synthesis/seed.ts';
import { exampleSeeds } from '../../pipelines/synthesis/shipped-config.ts';
import { llama } from '../../src/inference/llama/llama.ts';
import type { ExperimentContext, ExperimentResult, Finding } from '../helpers/experiment.ts';

export const name = 'synthesis-alike';
export const summary =
  'the same seeds by one worker and by four, with the embedded model and one random seed: the share of pairs that are equal, with flash attention and without; about 6 minutes, --short 1 minute';

interface Setting {
  readonly flashAttention: boolean;
  readonly workers: number;
}

interface Written {
  /** Of each pair that was written, also of those that its checks did not let through, by its seed and its way. */
  readonly pairs: ReadonlyMap<string, string>;
  readonly kept: number;
}

export async function run({ short, signal, folder, say }: ExperimentContext): Promise<ExperimentResult> {
  const [count, workers] = short ? [2, 2] : [6, 4];
  const measured: Finding[] = [];
  for (const flashAttention of short ? [false] : [true, false]) {
    const [serial, parallel] = [await written(1), await written(workers)];
    measured.push(...findings(flashAttention, serial, parallel));
    async function written(at: number): Promise<Written> {
      signal.throwIfAborted();
      const found = await runOf({ flashAttention, workers: at }, { count, folder, signal, most: workers });
      say(`${labelOf(flashAttention)}, workers ${String(at)}: ${String(found.pairs.size)} pairs written, ${String(found.kept)} kept`);
      return found;
    }
  }
  return { measured, pass: true };
}

interface Where {
  readonly count: number;
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly most: number;
}

async function runOf({ flashAttention, workers }: Setting, { count, folder, signal, most }: Where): Promise<Written> {
  const out = join(folder, `${String(flashAttention)}-${String(workers)}`);
  await mkdir(out);
  const small = { max_depth: 2, branching_factor: 1, max_trajectories: 1, max_answer_tokens: 96, prompt_chars: 1_000 };
  const { config } = configFrom(name, { environment_mode: 'math', max_workers: workers, worker_memory_mb: 128, ...small });
  const seeds = seedsFrom('seeds', await readJson(exampleSeeds, 'file of seeds')).seeds.slice(0, count);
  const begun = await RunFolder.begin(out, { config, randomSeed: 1, seeds, model: 'smollm2', isOrdered: false }, Date.now());
  // as many sequences for one worker as for several: another number of them is another computation
  const model = { resource: llama({ model: 'smollm2', sequences: most, flashAttention }), isRemote: false };
  const { pairs: kept } = await runSynthesis({ folder: begun, model, signal, availableMb: 16_000 });
  signal.throwIfAborted();
  const ways = JSON.parse(await readFile(begun.trajectories, 'utf8')) as readonly Way[];
  const pairs = ways.flatMap(({ source_id: seed, pair }) => (pair ? [[seed, JSON.stringify([pair.question, pair.answer])] as const] : []));
  return { pairs: new Map(pairs), kept };
}

interface Way {
  readonly source_id: string;
  readonly pair?: { readonly question: string; readonly answer: string };
}

const labelOf = (flashAttention: boolean): string => `${flashAttention ? 'with' : 'without'} flash attention`;

function findings(flashAttention: boolean, serial: Written, parallel: Written): readonly Finding[] {
  const seeds = new Set([...serial.pairs.keys(), ...parallel.pairs.keys()]);
  const equal = [...seeds].filter((seed) => serial.pairs.get(seed) === parallel.pairs.get(seed)).length;
  const share = seeds.size === 0 ? 0 : equal / seeds.size;
  const label = labelOf(flashAttention);
  return [
    {
      what: `pairs written serially, ${label}`,
      measured: `${String(serial.pairs.size)}, ${String(serial.kept)} kept`,
      passes: '> 0',
      pass: serial.pairs.size > 0,
    },
    {
      what: `pairs that are equal in parallel, ${label}`,
      measured: `${String(equal)} of ${String(seeds.size)} (${(share * 100).toFixed(0)} %)`,
      // what runs beside it changes the order of sums in flash attention, and so an answer now and then
      passes: flashAttention ? '' : '100 %',
      pass: flashAttention || share === 1,
    },
  ];
}
