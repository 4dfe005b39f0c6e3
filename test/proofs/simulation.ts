import { availableParallelism } from 'node:os';
import type { ExperimentContext, ExperimentResult } from '../helpers/experiment.ts';
import { startWorker } from '../helpers/worker.ts';
import type { Case, Replayed, Seen } from './simulation/case.ts';

export const name = 'simulation';
export const summary = '10,000 random pipelines among random faults keep every promise, in virtual time; about 2 minutes, --short 10 s';

const mostSeconds = 180;
const toldEvery = 1_000;

export async function run({ short, signal, say }: ExperimentContext): Promise<ExperimentResult> {
  const seeds = short ? 400 : 10_000;
  const workers = Math.min(2, availableParallelism());
  const broken: Seen[] = [];
  const digests = new Map<number, readonly string[]>();
  let over = 0;
  const startedMs = performance.now();
  const work = async (first: number): Promise<void> => {
    const given: Case = { from: first, to: seeds, step: workers };
    // an envelope that a pipeline loses is found by its garbage
    const worker = startWorker(new URL('simulation/worker.ts', import.meta.url), given, ['--expose-gc']);
    for (let seed = first; seed <= seeds && !signal.aborted; seed += workers) {
      const seen = await worker.next<Seen>('seed');
      over += 1;
      if (over % toldEvery === 0) say(`${String(over)} of ${String(seeds)} seeds`);
      if (seen.problems.length === 0) continue;
      broken.push(seen);
      say(`seed ${String(seen.seed)}: ${seen.problems.join('; ')}`);
    }
    for (let n = 1; n <= Math.min(10, seeds) && !signal.aborted; n += 1) {
      const { seed, digest } = await worker.next<Replayed>('replayed');
      digests.set(seed, [...(digests.get(seed) ?? []), digest]);
    }
    await worker.end(signal.aborted ? 0 : undefined);
  };
  await Promise.all(Array.from({ length: workers }, (_, i) => work(i + 1)));
  const seconds = (performance.now() - startedMs) / 1_000;
  return {
    measured: [
      { what: 'seeds run', measured: String(over), passes: String(seeds), pass: over === seeds },
      {
        what: 'seeds with a broken promise, or that run differently the second time',
        measured: broken.map(({ seed }) => seed).join(' ') || 'none',
        passes: 'none; MILLRACE_SEED=n npm run unit -- test/simulation replays one',
        pass: broken.length === 0,
      },
      {
        what: `seeds that are the same run, event by event, in ${String(workers)} processes`,
        measured: String([...digests.values()].filter((all) => all.length === workers && new Set(all).size === 1).length),
        passes: '10',
        pass: digests.size === 10 && [...digests.values()].every((all) => all.length === workers && new Set(all).size === 1),
      },
      { what: 'seconds', measured: seconds.toFixed(0), passes: `<= ${String(mostSeconds)}`, pass: seconds <= mostSeconds },
    ],
    pass: true,
  };
}
