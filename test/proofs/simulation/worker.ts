// Runs seeds in a process of its own, so that two cores are used.
import { checkHistory } from '../../simulation/check-history.ts';
import { makePlan } from '../../simulation/plan.ts';
import { World } from '../../simulation/world.ts';
import { givenToWorker, reportFrom } from '../../helpers/worker.ts';
import type { Case } from './case.ts';

const { from, to, step } = givenToWorker() as Case;
const run = async (seed: number): Promise<{ readonly history: string; readonly problems: readonly string[] }> => {
  const history = await new World(makePlan(seed)).run();
  return { history: JSON.stringify(history), problems: checkHistory(history) };
};

for (let seed = from; seed <= to; seed += step) {
  const { history, problems } = await run(seed);
  const isSame = seed > from + 10 * step || (await run(seed)).history === history; // the first ten are run twice
  reportFrom('seed', { seed, problems: isSame ? problems : [...problems, 'another run of the same seed went another way'] });
}
process.disconnect();
