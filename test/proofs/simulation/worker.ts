// Runs seeds in a process of its own, so that two cores are used.
import { checkHistory } from '../../../src/simulation/check-history.ts';
import { givenToWorker, reportFrom } from '../../helpers/worker.ts';
import { runSeed } from '../../simulation/subject.ts';
import type { Case } from './case.ts';

const { from, to, step } = givenToWorker() as Case;
const run = async (seed: number): Promise<{ readonly history: string; readonly problems: readonly string[] }> => {
  const history = await runSeed(seed);
  return { history: JSON.stringify(history), problems: checkHistory(history).map(({ message }) => message) };
};

for (let seed = from; seed <= to; seed += step) {
  const { history, problems } = await run(seed);
  const isSame = seed > from + 10 * step || (await run(seed)).history === history; // the first ten are run twice
  reportFrom('seed', { seed, problems: isSame ? problems : [...problems, 'another run of the same seed went another way'] });
}
process.disconnect();
