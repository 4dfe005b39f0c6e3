import type { ExperimentContext, ExperimentResult } from '../helpers/experiment.ts';
import * as capacityDrops from './flow/capacity-drops.ts';
import * as orderOfWork from './flow/order-of-work.ts';

export const name = 'flow';
export const summary =
  'limits and schedules against scripted servers, in virtual time: throughput of the ideal, shares, waits; about 7 minutes, --short 2';

const scenarios = [orderOfWork, capacityDrops];

export async function run(context: ExperimentContext): Promise<ExperimentResult> {
  const results: ExperimentResult[] = [];
  for (const scenario of scenarios) {
    context.say(`${scenario.name}: ${scenario.summary}`);
    results.push(await scenario.run(context));
  }
  return { measured: results.flatMap(({ measured }) => measured), pass: results.every(({ pass }) => pass) };
}
