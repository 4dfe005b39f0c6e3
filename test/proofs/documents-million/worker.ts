import { runDocuments } from '../../../pipelines/documents/run-documents.ts';
import { parseTask } from '../../../pipelines/documents/tasks/parse-task.ts';
import { scripted } from '../../../src/inference/scripted/scripted.ts';
import type { DocumentSource } from '../../../src/text/document-source.ts';

/*
 * One run over `count` tiny documents, each another text, through a model that answers at once. Tells on standard output, twice a second, how many are done and what memory it takes.
 */
const [out = '', given = '0'] = process.argv.slice(2);
const count = Number(given);

async function* documents(): AsyncGenerator<DocumentSource> {
  for (let n = 0; n < count; n += 1) {
    const id = `row ${String(n)}`;
    yield { id, name: id, read: () => Promise.resolve({ text: `A tiny document, number ${String(n)}.`, fields: { n } }) };
    if (n % 100 === 0) await Promise.resolve();
  }
}

let done = 0;
const say = (): void => {
  const { rss, heapUsed, external } = process.memoryUsage();
  process.stdout.write(`${JSON.stringify({ ms: Math.round(performance.now()), done, rss, heap: heapUsed, external })}\n`);
};
const timer = setInterval(say, 500);
const summary = await runDocuments({
  ...{ input: documents(), tasks: [await parseTask('summarize', { vote: 'weighted', slots: 'bare' })], out },
  models: [{ name: 'at-once', resource: scripted('short') }],
  // one document is one call, and a sync of the disk serves all that wait for it
  ...{ batchSize: 256, concurrency: 64 },
  onAnswer: () => (done += 1),
});
clearInterval(timer);
say();
process.stdout.write(`${JSON.stringify({ summary })}\n`);
