import { readFile } from 'node:fs/promises';
import { type CommandContext, defineCommand, isStreamError, keyFrom, OptionError, showPull, topicPrefixFrom } from 'millrace';
import { chooseModel } from './choose-model.ts';
import { chooseSentences, parseGroundTruth, parseSample, type RatedSentence } from './data.ts';
import { runDemo } from './demo.ts';
import { showSummary } from './show.ts';

/** Without --records: about half a minute's work for 2 cores that have nothing else to do. Measured, see the README. */
const defaultRecords = 100;
/** Without --records nothing more is taken after this long, so that slower machines are done within a minute too. */
const defaultBudgetMs = 40_000;
/** As many as the model evaluates together: on few cores more would only make each one slower. */
const concurrency = 4;

interface Data {
  readonly sentences: readonly RatedSentence[];
  /** Whose ratings they are. */
  readonly people: string;
}

/** `millrace demo`: sentences of real reviews through a real model, with the results as they come. */
export const reviewsCommand = defineCommand({
  name: 'demo',
  summary: 'watch real records go through a real language model, on this machine',
  details:
    'Sentences of customer reviews become sentiment and aspect, and leave the output topic one by one; one record among\n' +
    'them is malformed and goes to the dead letters. Model and data are fetched first if they are not here. It ends by\n' +
    'itself with a table, within a minute unless told otherwise; Ctrl-C finishes what is in flight and shows the table so far.\n\n' +
    'On Kafka the topics stay, and the same command goes on where the last one stopped: give --topic-prefix for a new start.',
  options: {
    kafka: { kind: 'flag', summary: 'on Kafka: --brokers, or localhost:9092, or one started from jars' },
    records: {
      kind: 'integer',
      value: 'n',
      min: 1,
      summary: `how many sentences (default: ${String(defaultRecords)}, or as many as ${String(defaultBudgetMs / 1000)} s allow)`,
    },
    all: { kind: 'flag', summary: 'all 3,708 sentences' },
    model: {
      kind: 'text',
      value: 'name',
      summary:
        'smollm2 (default), hf:owner/repo/file.gguf, a path, one of these behind llama-server: (that program runs it), or an OpenAI-compatible URL as http://host:8080/v1#model; several with commas between are a pool',
    },
    apiKeyEnv: { kind: 'text', value: 'variable', summary: 'the environment variable that holds the key of that URL' },
    topicPrefix: { kind: 'text', value: 'prefix', summary: 'goes before the topics and the group (default on Kafka: millrace-demo)' },
  },
  examples: [
    { line: 'millrace demo', does: 'on the embedded broker' },
    { line: 'millrace demo --kafka --records 500', does: 'on Kafka; again to go on after a crash' },
    { line: 'millrace demo --model http://localhost:8080/v1#qwen3', does: 'the same through a better model' },
    { line: 'millrace demo --records 20 --json | tail -1', does: 'the summary, for machines' },
  ],
  exitCodes: {
    1: 'a sentence has failed, or the pipeline could not go on',
    130: 'stopped by Ctrl-C with sentences left (143: by SIGTERM)',
  },
  run: async ({ options }, context) => {
    const { model: modelName = 'smollm2', records, all, apiKeyEnv } = options;
    if (all && records !== undefined) throw new OptionError('--all and --records contradict each other: leave one of them out');
    const apiKey = apiKeyEnv === undefined ? undefined : keyFrom(apiKeyEnv);
    const model = chooseModel(modelName, { concurrency, ...(apiKey === undefined ? {} : { apiKey }) });
    const onKafka = options.kafka || context.settings.transport === 'kafka';
    const prefix = topicPrefixFrom(options.topicPrefix ?? (onKafka ? defaultPrefix(modelName) : ''));
    const { sentences: found, people } = await dataFor(context);
    for (const name of model.pull) await showPull(context, name);
    const sentences = chooseSentences(found, all ? found.length : (records ?? defaultRecords));
    const budgetMs = all || records !== undefined ? undefined : defaultBudgetMs;
    const { out, clock, log, signal } = context;
    const opened = await context.openTransport({ kind: onKafka ? 'kafka' : 'memory', startBroker: true });
    try {
      out.note(
        `${String(sentences.length)} sentences and a malformed record through ${modelName}, on ${opened.where}: ${prefix}reviews -> ${prefix}reviews.enriched, failures to ${prefix}reviews.dead`,
      );
      const resource = model.resource;
      const run = {
        transport: opened.transport,
        model: resource,
        asking: model.asking,
        concurrency: model.concurrency,
        prefix,
        sentences,
        budgetMs,
        clock,
        log,
        out,
        signal,
        instance: context.settings.instance,
      };
      const { summary, letters, ended } = await runDemo(run);
      out.json({ summary: { ...summary, deadLetters: letters } });
      showSummary(out, summary, letters, people);
      if (ended === 'time') out.note(`stopped after ${String(defaultBudgetMs / 1000)} s: --records N or --all takes as long as it needs`);
      if (ended === 'interrupted' && summary.unfinished > 0) signal.throwIfAborted();
      const isClean = summary.failed <= 1 && (ended !== 'complete' || summary.unfinished === 0);
      return isClean ? 0 : 1;
    } finally {
      await opened.close();
    }
  },
});

/** Results of another model belong in other topics: what is done there is not done again. */
const defaultPrefix = (model: string): string =>
  model === 'smollm2'
    ? 'millrace-demo'
    : `millrace-demo-${(model.split(/[/#\\]/).at(-1) ?? '')
        .toLowerCase()
        .replaceAll(/[^a-z0-9]+/g, '-')
        .slice(0, 40)}`;

/** The real sentences, or a few of our own where they cannot be had. */
async function dataFor(context: CommandContext): Promise<Data> {
  try {
    const path = await showPull(context, 'reviews-data');
    return { sentences: parseGroundTruth(await readFile(path, 'utf8')), people: '20 people each' };
  } catch (error) {
    if (!isStreamError(error) || error.code !== 'model_not_found') throw error;
    const sentences = parseSample(await readFile(new URL('sample.jsonl', import.meta.url), 'utf8'));
    context.log.warn({ error: error.message }, 'the reviews could not be fetched');
    context.out.note(
      `the real reviews could not be fetched: going on with ${String(sentences.length)} sentences that we made up, rated by ourselves`,
    );
    return { sentences, people: 'ourselves' };
  }
}
