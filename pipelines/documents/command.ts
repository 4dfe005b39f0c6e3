import { join } from 'node:path';
import { type CommandContext, type CommandOption, defineCommand, OptionError, runMonitor, showProgress, writeReport } from 'millrace';
import { itemOf } from './item-of.ts';
import { chooseModels } from './choose-models.ts';
import { runDocuments } from './run-documents.ts';
import { presets, type ResolvedSettings, settingsFrom, settingsTable, variableOf } from './settings.ts';
import { answerLine, summaryRows } from './show.ts';
import { showPull } from './show-pull.ts';
import { documentsIn } from './text.ts';
import { parseTask } from './tasks/parse-task.ts';

/** A flag for each setting; what it may be is checked where the environment is, too. */
const settingOptions = Object.fromEntries(
  Object.entries(settingsTable).map(([key, { summary, value, default: usual }]): readonly [string, CommandOption] => [
    key,
    { kind: 'text', value, summary: usual === undefined ? summary : `${summary} (default: ${String(usual)})` },
  ]),
) as { readonly [K in keyof typeof settingsTable]: { readonly kind: 'text'; readonly value: string; readonly summary: string } };

/** `millrace documents`: a pile of documents through a model, with what is finished kept. */
export const documentsCommand = defineCommand({
  name: 'documents',
  summary: 'summarise, classify, translate, … a pile of documents',
  details:
    'INPUT is a folder, a file of text, JSONL with a text in each row, or - for JSONL on stdin. In --out: results.jsonl has an\n' +
    'answer for each document, merged.json all of them as one, journal/ what is finished. The same command goes on where the last one stopped,\n' +
    'and calls nothing for what is in the journal. Ctrl-C finishes what is in flight.\n\n' +
    `Each setting is an option, or a variable of the environment: --batch-size is ${variableOf('batchSize')}.`,
  arguments: [{ name: 'input', summary: 'folder, file, or -', required: true }],
  options: {
    task: {
      kind: 'texts',
      value: 'task',
      summary: 'summarize, classify=a,b,c, keywords, translate=fr, embed or extract=schema.json; once for each',
    },
    out: { kind: 'text', value: 'folder', summary: 'where answers and journal are' },
    model: { kind: 'text', value: 'name', summary: 'as in millrace demo (default: smollm2); several with commas between are a pool' },
    compare: { kind: 'text', value: 'names', summary: 'models that are asked beside it, and their answers compared' },
    fallbackModel: { kind: 'text', value: 'name', summary: 'answers what the model cannot' },
    apiKeyEnv: { kind: 'text', value: 'variable', summary: 'the environment variable that holds the key of a URL' },
    preset: { kind: 'text', value: 'name', choices: Object.keys(presets), summary: 'settings for bulk: 10 documents and 5 calls at once' },
    kafka: { kind: 'flag', summary: 'on Kafka: --brokers, or localhost:9092, or one started from jars' },
    topicPrefix: { kind: 'text', value: 'prefix', summary: 'goes before the topics on Kafka (default: millrace)' },
    ...settingOptions,
  },
  examples: [
    { line: 'millrace documents letters/ --task summarize --out summaries', does: 'a summary of each file' },
    { line: 'millrace documents rows.jsonl --task classify=praise,complaint --out sorted', does: 'a label for each row' },
    {
      line: 'millrace documents letters/ --task embed --model http://localhost:8080/v1#bge --preset bulk --out vectors',
      does: 'by a server',
    },
  ],
  exitCodes: {
    1: 'a document has no answer, or it could not go on',
    130: 'stopped by Ctrl-C before the end (143: by SIGTERM); the same command goes on',
  },
  run: async ({ options, args }, context) => {
    const { out: folder, task: tasks } = options;
    const [input = ''] = args;
    if (folder === undefined) throw new OptionError('--out must name the folder for answers and journal');
    if (tasks.length === 0) throw new OptionError('--task must say what is to be done, as in --task summarize');
    if (new Set(tasks).size < tasks.length) throw new OptionError('--task has the same task twice: leave one out');
    const settings = settingsFrom({ flags: options, env: process.env, preset: options.preset });
    return documents({ input, tasks, folder, settings, given: options }, context);
  },
});

interface Given {
  readonly input: string;
  readonly tasks: readonly string[];
  readonly folder: string;
  readonly settings: ResolvedSettings;
  readonly given: {
    readonly model?: string | undefined;
    readonly compare?: string | undefined;
    readonly fallbackModel?: string | undefined;
    readonly apiKeyEnv?: string | undefined;
    readonly kafka: boolean;
    readonly topicPrefix?: string | undefined;
  };
}

async function documents({ input, tasks, folder, settings, given }: Given, context: CommandContext): Promise<number> {
  const { out, clock, log, signal } = context;
  const { model = 'smollm2', compare, fallbackModel: fallback, apiKeyEnv, topicPrefix = 'millrace' } = given;
  const apiKey = apiKeyEnv === undefined ? undefined : keyFrom(apiKeyEnv);
  const chosen = chooseModels({ model, compare, fallback, apiKey, concurrency: settings.concurrency });
  const options = { vote: settings.vote, slots: chosen.isRemote ? 'fenced' : 'bare' } as const;
  const parsed = await Promise.all(tasks.map((text) => parseTask(text, options)));
  for (const name of chosen.pull) await showPull(context, name);
  const onKafka = given.kafka || context.settings.transport === 'kafka';
  const opened = onKafka ? await context.openTransport({ kind: 'kafka', startBroker: true }) : undefined;
  const monitor = runMonitor({ clock });
  const troubles = { now: [] as readonly string[] };
  const stopShowing = showProgress({ monitor, out, clock, noun: 'documents', remarks: () => troubles.now });
  try {
    out.note(`${input} through ${model}, on ${opened?.where ?? 'the embedded broker'}: answers to ${join(folder, 'results.jsonl')}`);
    const summary = await runDocuments({
      ...settings,
      input: documentsIn(input === '-' ? process.stdin : input),
      ...{ tasks: parsed, models: chosen.models, fallback: chosen.fallback, out: folder, isLimited: chosen.isRemote },
      ...(opened && { transport: opened.transport, prefix: topicPrefix.endsWith('.') ? topicPrefix : `${topicPrefix}.` }),
      ...{ clock, log, signal },
      onTroubles: (now) => (troubles.now = now),
      onAnswer: (result) => {
        monitor.item(itemOf(result));
        out.json(result);
        out.line(answerLine(result, out.width));
      },
    });
    stopShowing();
    const snapshot = monitor.snapshot();
    const facts = { input, model, tasks: tasks.join(' '), 'answered by the journal': summary.fromJournal };
    await writeReport(folder, { title: `documents: ${input}`, noun: 'documents', facts, run: snapshot });
    out.json({ summary });
    out.line('');
    out.table(summaryRows(summary, snapshot.elapsedMs / 1000));
    out.note(`answers: ${join(folder, 'results.jsonl')}; report: ${join(folder, 'report.html')}`);
    if (!summary.isComplete) signal.throwIfAborted();
    return summary.error === 0 && summary.isComplete ? 0 : 1;
  } finally {
    stopShowing();
    await opened?.close();
  }
}

function keyFrom(variable: string): string {
  const key = process.env[variable];
  if (key === undefined || key === '') throw new OptionError(`--api-key-env names the variable ${variable}, which is not set`);
  return key;
}
