import { createHash } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { runDocuments } from '../../../pipelines/documents/run-documents.ts';
import { parseTask } from '../../../pipelines/documents/tasks/parse-task.ts';
import { documentsIn } from '../../../src/text/documents-in.ts';
import { scripted } from '../../../src/inference/scripted/scripted.ts';

/*
 * One run over the folder `input`, through a model that notes each call before it answers: who reads the notes knows what was asked, whatever became of the process.
 */
const [input = '', out = '', notes = ''] = process.argv.slice(2);
const model = scripted(
  ({ text }) => {
    const asked = createHash('sha256').update(text).digest('hex');
    appendFileSync(notes, `${asked}\n`);
    return `answer ${asked}`;
  },
  { latencyMs: { min: 5, max: 40 } },
);
const tasks = [
  await parseTask('translate=fr', { vote: 'weighted', slots: 'bare' }),
  await parseTask('summarize', { vote: 'weighted', slots: 'bare' }),
];
await runDocuments({ input: documentsIn(input), tasks, models: [{ name: 'noted', resource: model }], out, chunkTokens: 40 });
