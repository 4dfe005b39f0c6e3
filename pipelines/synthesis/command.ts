import { defineCommand } from 'millrace';
import { synthesize } from './synthesize.ts';

export { synthesisDemoCommand } from './demo.ts';

/** `millrace synthesize`: from seeds to questions and answers with their evidence. */
export const synthesizeCommand = defineCommand({
  name: 'synthesize',
  summary: 'questions and answers with evidence, from seed topics, by an agent with tools',
  details:
    'FORM is web, math or python (the configuration that comes with it, then SEEDS [OUT]), or custom (CONFIG SEEDS [OUT]); or --config and --seeds say it. SEEDS is a JSON array of texts or objects, or ' +
    'topic:NAME for the values that a topic on Kafka has now.\n\n' +
    'Each seed is worked on in a process of its own. Into OUT go synthesized_qa_MODE_TIME.jsonl (a line for each pair, as seeds complete), trajectories_MODE_TIME.json, statistics_MODE_TIME.json, and run_MODE_TIME/ to go on from. ' +
    'Ctrl-C gives up the seeds that are worked on; --resume does them again.',
  arguments: [
    { name: 'form', summary: 'web, math, python or custom' },
    { name: 'files', summary: 'CONFIG (custom only), SEEDS, and the folder for the results (default: synthesis_results)', many: true },
  ],
  options: {
    config: {
      kind: 'text',
      value: 'file',
      summary: 'the configuration (see config.schema.json); here it is not the settings file of millrace',
    },
    seeds: { kind: 'text', value: 'file', summary: 'a JSON array of texts or objects, or topic:NAME' },
    outputDir: { kind: 'text', value: 'folder', summary: 'for the results (default: synthesis_results)' },
    check: { kind: 'flag', summary: 'check the configuration, work on one seed, show what comes of it, keep nothing' },
    tune: { kind: 'text', value: 'n,n,…', summary: 'try a few seeds with so many workers each, as in 1,2,4,8, and suggest one' },
    resume: { kind: 'text', value: 'folder', summary: 'go on with the last run there that is not complete' },
    retryFailed: { kind: 'text', value: 'folder', summary: 'work again on what failed in the last run there' },
    limit: { kind: 'integer', value: 'n', min: 1, summary: 'so many seeds at most' },
    offset: { kind: 'integer', value: 'n', min: 0, summary: 'from this seed on, 0 being the first' },
    ordered: { kind: 'flag', summary: 'pairs in the order of the seeds, not as they complete' },
    workers: { kind: 'integer', value: 'n', min: 1, max: 256, summary: 'seeds at once (default: max_workers of the configuration)' },
    model: { kind: 'text', value: 'name', summary: 'as in millrace demo (default: that of the configuration)' },
    tokenBudget: { kind: 'integer', value: 'n', min: 1, summary: 'tokens of this run; then it ends, to be resumed' },
    kafka: { kind: 'flag', summary: 'on Kafka: --brokers, or localhost:9092, or one started from jars' },
    topicPrefix: { kind: 'text', value: 'prefix', summary: 'goes before the topics on Kafka (default: millrace)' },
    pairsTopic: { kind: 'text', value: 'topic', summary: 'with --kafka: pairs go there, too, in the order of the seeds' },
  },
  examples: [
    { line: 'millrace synthesize math seeds.json', does: 'what comes with it, into synthesis_results' },
    { line: 'millrace synthesize --config my.json --seeds seeds.json --output-dir pairs', does: 'a configuration of your own' },
    { line: 'millrace synthesize --resume synthesis_results', does: 'go on after Ctrl-C, a crash, or a budget that was spent' },
    { line: 'millrace synthesize --config my.json --seeds seeds.json --tune 1,2,4,8', does: 'how many workers are worth it' },
  ],
  exitCodes: {
    1: 'a seed has failed, or it could not go on',
    4: 'the token budget is spent; --resume goes on',
    130: 'stopped by Ctrl-C (143: by SIGTERM); --resume goes on',
  },
  run: ({ options, args }, context) => synthesize(options, args, context),
});
