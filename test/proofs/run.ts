import { runExperiments } from '../helpers/experiment.ts';

await runExperiments('prove', import.meta.dirname, process.argv.slice(2));
