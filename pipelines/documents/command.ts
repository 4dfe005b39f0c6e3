import { type CommandOption, defineCommand, documentsIn, OptionError } from 'millrace';
import { countDocuments, isThere } from './count-documents.ts';
import { runPile } from './run-pile.ts';
import { presets, settingsFrom, settingsTable, variableOf } from './settings.ts';

export { documentsDemoCommand } from './demo.ts';

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
    'INPUT is a folder or a file of text, Markdown, HTML or PDF, rows of JSONL, CSV or Parquet, - for JSONL on stdin, or topic:NAME for the records that a topic ' +
    'on Kafka has now. In --out: results.jsonl has an ' +
    'answer for each document (results.part.jsonl until the run is complete), merged.json all of them as one, report.html times and counts, journal/ what ' +
    'is finished. The same command goes on where the last one stopped, and calls nothing for what is in the journal. Ctrl-C finishes what is in flight.\n\n' +
    `Each setting is an option, or a variable of the environment: --batch-size is ${variableOf('batchSize')}.`,
  arguments: [{ name: 'input', summary: 'folder, file, -, or topic:NAME', required: true }],
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
    const pile = { title: input, tasks, folder, settings, given: options };
    const [, topic] = /^topic:(.+)$/s.exec(input) ?? [];
    if (topic !== undefined) return runPile({ ...pile, input: { topic } }, context);
    if (input === '-') return runPile({ ...pile, input: documentsIn(process.stdin, { format: 'jsonl' }) }, context);
    await isThere(input, folder);
    // the folder of the answers may be in it
    return runPile(
      { ...pile, input: documentsIn(input, { except: folder }), total: countDocuments(input, folder, context.signal) },
      context,
    );
  },
});
