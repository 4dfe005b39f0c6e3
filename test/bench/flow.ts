import type { ExperimentContext, ExperimentResult, Finding } from '../helpers/experiment.ts';
import * as batchesByLength from './flow/batches-by-length.ts';
import * as capacityDrops from './flow/capacity-drops.ts';
import { runSlowCalls, runSteady } from './flow/full-server.ts';
import { race } from './flow/million.ts';
import { ways as batches } from './flow/million-in-batches.ts';
import { ways as calls } from './flow/million-in-calls.ts';
import * as outage from './flow/outage.ts';
import * as sharedLimit from './flow/shared-limit.ts';
import * as shortestFirst from './flow/shortest-first.ts';
import * as twoTenants from './flow/two-tenants.ts';

export const name = 'flow';
export const summary =
  'how full, fair and within its limits a server of 32 places is kept, in virtual time; a million values in real time; 4 minutes, --short 30 s';

type Play = (context: ExperimentContext) => Promise<ExperimentResult>;

/** What is played, in the order of the table. */
export const rows: Readonly<Record<string, Play>> = {
  'steady calls': runSteady,
  '1 call in 50 is 20 x slower': runSlowCalls,
  'capacity 32, 8, 32': () => capacityDrops.run(),
  '60,000 tokens a minute': sharedLimit.run,
  'an outage of 30 s': outage.run,
  'shortest first': shortestFirst.run,
  'two tenants': twoTenants.run,
  'batches by length': () => batchesByLength.run(),
  'a million values': (context) => Promise.resolve({ measured: [...race(batches, context), ...race(calls, context)], pass: true }),
};

export async function run(context: ExperimentContext): Promise<ExperimentResult> {
  const measured: Finding[] = [];
  for (const [row, play] of Object.entries(rows)) {
    if (context.signal.aborted) return { measured, pass: false };
    const startedMs = performance.now();
    const result = await play(context);
    const failed = result.measured.filter(({ pass }) => !pass);
    const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
    context.say(`${row}: ${result.pass && failed.length === 0 ? 'holds' : 'DOES NOT HOLD'} (${seconds} s)`);
    measured.push(...result.measured.map((one) => ({ ...one, what: `${row}: ${one.what}` })));
    if (!result.pass) return { measured, pass: false };
  }
  return { measured, pass: true };
}
