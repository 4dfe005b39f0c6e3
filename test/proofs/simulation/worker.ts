// Runs seeds in a process of its own, so that two cores are used.
import { createHash } from 'node:crypto';
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
// ten seeds again, of which the first worker's were run by another process: whole histories, by their hashes
for (let seed = 1; seed <= Math.min(10, to); seed += 1) {
  const digest = createHash('sha256')
    .update((await run(seed)).history)
    .digest('hex');
  reportFrom('replayed', { seed, digest });
}
process.disconnect();
