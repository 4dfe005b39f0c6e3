import { readFile } from 'node:fs/promises';
import { defineCommand, memoryRegistry, modelToPull, namedModel, OptionError, registry, showPull, topicPrefixFrom } from 'millrace';
import { runOrders } from './run-orders.ts';
import { parseSample } from './sample.ts';

const variable = 'MILLRACE_SCHEMA_REGISTRY_URL';

/** `millrace orders`: Avro orders through a model, sorted by what their customers have written. */
export const ordersCommand = defineCommand({
  name: 'orders',
  summary: 'watch Avro orders go through a model, with a schema registry',
  details:
    'Orders in Avro, framed as Confluent frames them, become orders whose notes have been read: those that somebody must look at go to\n' +
    'one topic, the others to another; a shop that still writes JSON is a dead letter. Broker and schema registry are in this process\n' +
    `unless --kafka (or --brokers) and --registry (or ${variable}) say where they are; the schemas are registered there.`,
  options: {
    kafka: { kind: 'flag', summary: 'on Kafka: --brokers, or localhost:9092, or one started from jars' },
    model: {
      kind: 'text',
      value: 'name',
      summary: 'smollm2 (default), hf:owner/repo/file.gguf, a path, or an OpenAI-compatible URL as http://host:8080/v1#model',
    },
    registry: { kind: 'text', value: 'url', summary: `where the schema registry is, several with commas between (default: ${variable})` },
    topicPrefix: { kind: 'text', value: 'prefix', summary: 'goes before the topics and the group (default on Kafka: millrace-demo)' },
  },
  examples: [
    { line: 'millrace orders', does: 'on the embedded broker and registry' },
    { line: 'millrace orders --kafka --registry http://localhost:8081', does: 'beside Java, Go and Python' },
    { line: 'millrace orders --json | tail -1', does: 'the summary, for machines' },
  ],
  exitCodes: { 1: 'more than the malformed order has failed, or the pipeline could not go on' },
  run: async ({ options }, context) => {
    const { out, clock, log, signal, settings } = context;
    const onKafka = options.kafka || settings.transport === 'kafka';
    const isNamed = options.registry !== undefined || (process.env[variable] ?? '') !== '';
    if (onKafka && !isNamed)
      throw new OptionError(
        `on Kafka the schemas must be where other programs find them: name their registry with --registry or ${variable} (docker compose up -d starts one at http://localhost:8081)`,
      );
    const schemas = isNamed ? registry(options.registry === undefined ? {} : { url: options.registry.split(',') }) : memoryRegistry();
    const prefix = topicPrefixFrom(options.topicPrefix ?? (onKafka ? 'millrace-demo' : ''));
    const sample = parseSample(await readFile(new URL('sample.jsonl', import.meta.url), 'utf8'));
    const modelName = options.model ?? 'smollm2';
    const model = namedModel(modelName, { maxCalls: 4 });
    const file = modelToPull(modelName);
    if (file !== undefined) await showPull(context, file);
    const opened = await context.openTransport({ kind: onKafka ? 'kafka' : 'memory', startBroker: true });
    try {
      out.note(
        `${String(sample.length)} orders in Avro and one in JSON through ${modelName}, on ${opened.where}, schemas in ${schemas.name}: ${prefix}orders -> ${prefix}orders.ready, ${prefix}orders.held, failures to ${prefix}orders.dead`,
      );
      const summary = await runOrders({
        ...{ transport: opened.transport, registry: schemas, model, prefix, sample },
        ...{ clock, log, out, signal, instance: settings.instance },
      });
      out.json({ summary });
      const { ready, held, failed, notes, agreed, tokens } = summary;
      out.note(
        `${String(ready)} ready, ${String(held)} held, ${String(failed)} failed; of ${String(notes)} notes ${String(agreed)} are sorted as we meant them; ${String(tokens)} tokens`,
      );
      if (!summary.isComplete) signal.throwIfAborted();
      return failed === 1 && summary.isComplete ? 0 : 1;
    } finally {
      await opened.close();
    }
  },
});
