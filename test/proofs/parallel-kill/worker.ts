import { createHash } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { runFile } from '../../../pipelines/parallel/run-file.ts';
import { taskLines } from '../../../pipelines/parallel/task-lines.ts';
import { taskOf } from '../../../pipelines/parallel/tasks-in.ts';
import { systemClock } from '../../../src/clock.ts';
import { scripted } from '../../../src/inference/scripted/scripted.ts';
import { silentLog } from '../../../src/runtime/logging.ts';

/*
 * One run over the lines of `input`, through a model that notes each call before it answers: who reads the notes knows what was asked, whatever became of the process.
 */
const [input = '', out = '', notes = '', workers = ''] = process.argv.slice(2);
const model = scripted(
  ({ text }) => {
    const asked = createHash('sha256').update(text).digest('hex');
    appendFileSync(notes, `${asked}\n`);
    return `answer ${asked}`;
  },
  { latencyMs: { min: 1, max: 30 } },
);

async function* tasks() {
  let nth = 0;
  const { lines } = await taskLines(input, process.stdin);
  for await (const line of lines) yield taskOf(line, (nth += 1), 'About {text}');
}

await runFile({
  ...{ tasks: tasks(), out, model, modelName: 'noted', workers: Number(workers), maxTokens: 64, timeoutMs: 5_000, attempts: 2 },
  ...{ clock: systemClock, log: silentLog, signal: new AbortController().signal },
});
