import { basename, join, resolve } from 'node:path';
import {
  defineCommand,
  keyFrom,
  modelToPull,
  namedModel,
  type RunMonitor,
  runMonitor,
  showProgress,
  showPull,
  topicPrefixFrom,
  writableFolder,
} from 'millrace';
import { runFile } from './run-file.ts';
import { settingOptions, settingsFrom, variableOf } from './settings.ts';
import { type TaskLine, taskLines } from './task-lines.ts';
import { type FileTask, taskOf } from './tasks-in.ts';
import { TotalEstimate } from './total-estimate.state.ts';

const defaults = { model: 'smollm2', out: 'parallel-out', prompt: '{text}' } as const;

/** `millrace parallel FILE`: a task a line through a model, results in a folder; the same command again goes on. */
export const parallelCommand = defineCommand({
  name: 'parallel',
  summary: 'ask a model about each line of a file, many at once; again to go on',
  details:
    'A line is a text, or a JSON object whose fields stand in the prompt: {text}, {title}. Of a .jsonl every line is JSON, and one that is none ' +
    'fails alone. The file may be gzipped. Into the folder go results.jsonl (a line for each ' +
    'task, as they end; results.part.jsonl until all are there), report.json, report.html, and the journal of finished tasks, which are never asked again: not after a crash, ' +
    'not by a second run. Ctrl-C takes no more and finishes what runs. A prompt that is too long for the model is asked again with its fields cut.\n\n' +
    `Each of the last ${String(Object.keys(settingOptions).length)} settings is a flag, or a variable of the environment: --max-tokens is ${variableOf('maxTokens')}.`,
  arguments: [{ name: 'file', summary: 'lines of text or JSON, also .gz; - is stdin', required: true }],
  options: {
    prompt: { kind: 'text', value: 'template', summary: `what is asked, with fields in braces (default: ${defaults.prompt})` },
    model: {
      kind: 'text',
      value: 'name',
      summary: 'smollm2 (default), hf:owner/repo/file.gguf, a path, or an OpenAI-compatible URL as http://host:8080/v1#model',
    },
    apiKeyEnv: { kind: 'text', value: 'variable', summary: 'the environment variable that holds the key of that URL' },
    out: { kind: 'text', value: 'folder', summary: `where results and journal are (default: ${defaults.out})` },
    kafka: { kind: 'flag', summary: 'on Kafka: --brokers, or localhost:9092, or one started from jars; tasks and results stay here' },
    topicPrefix: { kind: 'text', value: 'prefix', summary: 'goes before the topics on Kafka (default: millrace)' },
    ...settingOptions,
  },
  examples: [
    { line: 'millrace parallel reviews.jsonl --prompt {text} --out reviews', does: 'rows of JSON; again to go on' },
    { line: 'millrace parallel questions.txt --model http://localhost:8080/v1#qwen3 --workers 32', does: 'lines of text, by a server' },
  ],
  exitCodes: { 1: 'a task has failed, or the work could not go on', 130: 'stopped by Ctrl-C with tasks left (143: by SIGTERM)' },
  run: async ({ options, args }, context) => {
    const { out, clock, log, signal } = context;
    const { model = defaults.model, out: folder = defaults.out, prompt = defaults.prompt, topicPrefix = 'millrace', apiKeyEnv } = options;
    const settings = settingsFrom(options, process.env);
    const [path = '-'] = args;
    const apiKey = apiKeyEnv === undefined ? {} : { apiKey: keyFrom(apiKeyEnv) };
    const resource = namedModel(model, { maxCalls: settings.workers, ...apiKey });
    const { lines, bytes } = await taskLines(path, process.stdin, signal);
    await writableFolder(resolve(folder));
    const file = modelToPull(model);
    if (file !== undefined) await showPull(context, file);
    const onKafka = options.kafka || context.settings.transport === 'kafka';
    const opened = onKafka ? await context.openTransport({ kind: 'kafka', startBroker: true }) : undefined;
    const monitor = runMonitor({ clock });
    const estimate = new TotalEstimate(bytes);
    const remarks = (): readonly string[] => (estimate.isGuess ? ['all by the size of the file'] : []);
    const hide = showProgress({ monitor, out, clock, noun: 'tasks', remarks });
    try {
      out.note(`${path === '-' ? 'stdin' : path} through ${model}, on ${opened?.where ?? 'the embedded broker'}: results to ${folder}`);
      const summary = await runFile({
        ...settings,
        ...{ tasks: tasksIn(lines, prompt, { estimate, monitor }), out: resolve(folder), model: resource, modelName: model },
        ...{ transport: opened?.transport, topicPrefix: topicPrefixFrom(topicPrefix) },
        ...{ clock, log, signal, monitor },
      });
      hide();
      out.json({ summary });
      const reused = summary.fromJournal === 0 ? '' : ` (${String(summary.fromJournal)} by the journal)`;
      out.line(
        `${String(summary.succeeded)} done${reused}, ${String(summary.failed)} failed: ${join(folder, basename(summary.results))}, ${join(folder, 'report.html')}`,
      );
      if (!summary.isComplete) signal.throwIfAborted();
      return summary.failed === 0 ? 0 : 1;
    } finally {
      hide();
      await opened?.close();
    }
  },
});

interface Counted {
  readonly estimate: TotalEstimate;
  readonly monitor: RunMonitor;
}

async function* tasksIn(
  lines: AsyncIterable<TaskLine>,
  prompt: string,
  { estimate, monitor }: Counted,
): AsyncGenerator<FileTask, void, undefined> {
  let nth = 0;
  for await (const line of lines) {
    nth += 1;
    estimate.line(line.bytes);
    if (estimate.total !== undefined) monitor.expect(estimate.total);
    yield taskOf(line, nth, prompt);
  }
  estimate.over();
  monitor.expect(nth);
}
