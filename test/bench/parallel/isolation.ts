import { readFileSync } from 'node:fs';
import { lastValueFrom } from 'rxjs';
import { type Isolated, isolated } from '../../../pipelines/parallel/index.ts';
import { sleep, systemClock } from '../../../src/clock.ts';
import type { ExperimentResult, Finding } from '../../helpers/experiment.ts';
import { inMs, mean, numbers, tells, timed } from './measure.ts';

const step = new URL('isolated-step.ts', import.meta.url);
const work = { ctx: { context: {}, deadlineMs: Infinity } };
const calls = 40;
const atOnce = 4;
const stayMs = 1_500;

/** Of processes, in MiB, with what they share with others counted in parts; undefined where the system does not tell. */
function memoryOf(pids: Iterable<number>): number | undefined {
  try {
    const kb = [...pids].map((pid) => Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${String(pid)}/smaps_rollup`, 'utf8'))?.[1] ?? 0));
    return kb.reduce((sum, one) => sum + one, 0) / 1_024;
  } catch {
    return undefined;
  }
}

const stay = (apart: Isolated<number, number>): Promise<readonly number[]> =>
  Promise.all(numbers(atOnce).map(() => lastValueFrom(apart.run(stayMs, work))));

/** Of one of four that are there at once, in MiB. */
async function memoryOfOne(isolation: 'process' | 'task', apart: Isolated<number, number>): Promise<number | undefined> {
  if (isolation === 'process') {
    const all = memoryOf(new Set(await stay(apart)));
    return all === undefined ? undefined : all / atOnce;
  }
  const before = memoryOf([process.pid]);
  if (before === undefined) return undefined;
  const state = { isOver: false, most: 0 };
  const over = stay(apart).finally(() => (state.isOver = true));
  while (!state.isOver) {
    state.most = Math.max(state.most, memoryOf([process.pid]) ?? 0);
    await sleep(systemClock, 50);
  }
  await over;
  return (state.most - before) / atOnce;
}

async function cost(isolation: 'process' | 'task'): Promise<readonly Finding[]> {
  const apart = isolated<number, number>(step, { isolation, maxWorkers: atOnce });
  try {
    const first = await timed(() => lastValueFrom(apart.run(0, work)));
    const times: number[] = [];
    for (let n = 0; n < calls; n += 1) times.push((await timed(() => lastValueFrom(apart.run(0, work)))).ms);
    const memory = await memoryOfOne(isolation, apart);
    return [
      tells(`'${isolation}': the first call, its start included`, inMs(first.ms)),
      tells(`'${isolation}': a call after that`, inMs(mean(times))),
      tells(
        `'${isolation}': memory of one, of ${String(atOnce)}`,
        memory === undefined ? 'not told by this system' : `${memory.toFixed(0)} MiB`,
      ),
    ];
  } finally {
    await apart.close();
  }
}

/** What it costs that a step runs apart: a step that does nothing, one call after the other. */
export async function run(): Promise<ExperimentResult> {
  return { pass: true, measured: [...(await cost('process')), ...(await cost('task'))] };
}
