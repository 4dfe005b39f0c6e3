import { join, resolve } from 'node:path';
import { defineCommand, keyFrom, modelToPull, namedModel, runMonitor, showProgress, showPull } from 'millrace';
import { linesOf, readChunks } from './read-chunks.ts';
import { runFile } from './run-file.ts';
import { type FileTask, taskOf } from './tasks-in.ts';

const defaults = {
  model: 'smollm2',
  out: 'parallel-out',
  prompt: '{text}',
  workers: 4,
  maxTokens: 256,
  timeoutMs: 30_000,
  attempts: 2,
  modelPatienceMs: 300_000,
} as const;

/** `millrace parallel FILE`: a task a line through a model, results in a folder; the same command again goes on. */
export const parallelCommand = defineCommand({
  name: 'parallel',
  summary: 'ask a model about each line of a file, many at once; again to go on',
  details:
    'A line is a text, or a JSON object whose fields stand in the prompt: {text}, {title}. Into the folder go results.jsonl (a line for each\n' +
    'task, as they end), report.json, report.html, and the journal of finished tasks, which are never asked again: not after a crash,\n' +
    'not by a second run. Ctrl-C takes no more and finishes what runs.',
  arguments: [{ name: 'file', summary: 'lines of text or JSON; - is stdin', required: true }],
  options: {
    prompt: { kind: 'text', value: 'template', summary: `what is asked, with fields in braces (default: ${defaults.prompt})` },
    model: {
      kind: 'text',
      value: 'name',
      summary: 'smollm2 (default), hf:owner/repo/file.gguf, a path, or an OpenAI-compatible URL as http://host:8080/v1#model',
    },
    apiKeyEnv: { kind: 'text', value: 'variable', summary: 'the environment variable that holds the key of that URL' },
    out: { kind: 'text', value: 'folder', summary: `where results and journal are (default: ${defaults.out})` },
    workers: { kind: 'integer', value: 'n', min: 1, max: 64, summary: `calls at once (default: ${String(defaults.workers)})` },
    maxTokens: { kind: 'integer', value: 'n', min: 1, summary: `longest answer (default: ${String(defaults.maxTokens)})` },
    timeoutMs: { kind: 'integer', value: 'ms', min: 1, summary: `longest time of an attempt (default: ${String(defaults.timeoutMs)})` },
    modelPatienceMs: {
      ...{ kind: 'integer', value: 'ms', min: 1 },
      summary: `how long a model that answers nothing is waited for, and at least two attempts (default: ${String(defaults.modelPatienceMs)})`,
    },
    attempts: { kind: 'integer', value: 'n', min: 1, summary: `attempts in all (default: ${String(defaults.attempts)})` },
  },
  examples: [
    { line: 'millrace parallel reviews.jsonl --prompt {text} --out reviews', does: 'rows of JSON; again to go on' },
    { line: 'millrace parallel questions.txt --model http://localhost:8080/v1#qwen3 --workers 32', does: 'lines of text, by a server' },
  ],
  exitCodes: { 1: 'a task has failed, or the work could not go on', 130: 'stopped by Ctrl-C with tasks left (143: by SIGTERM)' },
  run: async ({ options, args }, context) => {
    const { out, clock, log, signal } = context;
    const { model = defaults.model, out: folder = defaults.out, prompt = defaults.prompt, workers = defaults.workers } = options;
    const { maxTokens = defaults.maxTokens, timeoutMs = defaults.timeoutMs, attempts = defaults.attempts, apiKeyEnv } = options;
    const { modelPatienceMs = defaults.modelPatienceMs } = options;
    const [path = '-'] = args;
    const apiKey = apiKeyEnv === undefined ? {} : { apiKey: keyFrom(apiKeyEnv) };
    const resource = namedModel(model, { maxCalls: workers, ...apiKey });
    const file = modelToPull(model);
    if (file !== undefined) await showPull(context, file);
    const chunks = path === '-' ? (process.stdin as AsyncIterable<Uint8Array>) : readChunks(resolve(path));
    const monitor = runMonitor({ clock });
    const hide = showProgress({ monitor, out, clock, noun: 'tasks' });
    try {
      const summary = await runFile({
        ...{
          tasks: tasksIn(chunks, prompt),
          out: resolve(folder),
          model: resource,
          modelName: model,
        },
        ...{ maxTokens, workers, timeoutMs, attempts, modelPatienceMs, clock, log, signal, monitor },
      });
      hide();
      out.json({ summary });
      out.line(
        `${String(summary.succeeded)} done, ${String(summary.failed)} failed: ${join(folder, 'results.jsonl')}, ${join(folder, 'report.html')}`,
      );
      if (!summary.isComplete) signal.throwIfAborted();
      return summary.failed === 0 ? 0 : 1;
    } finally {
      hide();
    }
  },
});

async function* tasksIn(chunks: AsyncIterable<Uint8Array>, prompt: string): AsyncGenerator<FileTask, void, undefined> {
  let nth = 0;
  for await (const line of linesOf(chunks)) {
    nth += 1;
    yield taskOf(line, nth, prompt);
  }
}
