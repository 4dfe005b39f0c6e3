import type { ExperimentContext, ExperimentResult, Finding } from '../helpers/experiment.ts';
import * as batches from './parallel/batches.ts';
import * as embedded from './parallel/embedded.ts';
import * as isolation from './parallel/isolation.ts';
import * as shards from './parallel/shards.ts';
import * as sharing from './parallel/sharing.ts';
import * as submitting from './parallel/submitting.ts';
import * as tasks from './parallel/tasks.ts';

export const name = 'parallel';
export const summary =
  'the parallel engine against the same work done plainly, on a model in name only that takes 425 ms and 1 % more for each call beside it (up to 64, a formula that fake-gpu.ts gives), and on the embedded one; 3 minutes, --short 1';

export async function run({ short, signal, say }: ExperimentContext): Promise<ExperimentResult> {
  const scale = short ? 0.2 : 1;
  const rows: Readonly<Record<string, () => Promise<ExperimentResult>>> = {
    '100 tasks': () => tasks.run(scale),
    batches: () => batches.run(scale),
    'three kinds on one model': () => sharing.run(scale),
    shards: () => shards.run(),
    submitting: () => submitting.run(),
    'a step that runs apart': () => isolation.run(),
    'the embedded model': () => embedded.run(short ? 8 : 100),
  };
  const measured: Finding[] = [];
  let pass = true;
  for (const [row, play] of Object.entries(rows)) {
    if (signal.aborted) return { measured, pass: false };
    const result = await play();
    const holds = result.pass && result.measured.every(({ pass: is }) => is) ? 'holds' : 'DOES NOT HOLD';
    say(`${row}: ${holds}; ${result.measured.map(({ what, measured: got }) => `${what}: ${got}`).join('; ')}`);
    measured.push(...result.measured.map((one) => ({ ...one, what: `${row}: ${one.what}` })));
    pass &&= result.pass;
  }
  return { measured, pass };
}
