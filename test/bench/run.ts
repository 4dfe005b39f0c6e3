import { runExperiments } from '../helpers/experiment.ts';

await runExperiments('bench', import.meta.dirname, process.argv.slice(2));
