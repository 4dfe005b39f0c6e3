import { appendFileSync } from 'node:fs';
import { RunFolder } from '../../../pipelines/synthesis/run-folder.ts';
import { runSynthesis } from '../../../pipelines/synthesis/run-synthesis.ts';
import { mathModel } from '../../helpers/math-agent.ts';

/*
 * Goes on with the run in a folder, and notes each process that it starts for a seed: who reads the notes can kill any of them.
 */
const [out = '', notes = ''] = process.argv.slice(2);
const folder = await RunFolder.find(out, 'unfinished');
await runSynthesis({
  folder,
  model: { resource: mathModel({ latencyMs: { min: 5, max: 40 } }), isRemote: false },
  availableMb: 16_000,
  onStart: (pid) => appendFileSync(notes, `${String(pid)}\n`),
});
