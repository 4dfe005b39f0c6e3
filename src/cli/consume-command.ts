import { type Command, defineCommand } from '../command.ts';
import { OptionError } from '../errors.ts';
import type { Transport } from '../transport/transport.ts';
import { avroForms, avroOptions } from './avro-options.ts';
import { type AvroReaders, avroReaders } from './avro-values.ts';
import { requireKafka } from './broker-needed.ts';
import { avroFileSink, type ConsumeSink, printingSink } from './consume-sink.ts';
import type { CliContext } from './context.ts';
import { extentsOf, readToEnd } from './read-to-end.ts';
import { type ReadRecord, readTopics, requireTopics } from '../runtime/topic-reader.ts';

const options = {
  fromBeginning: { kind: 'flag', summary: 'read what is there, too; otherwise only what comes from now on' },
  all: { kind: 'flag', summary: 'read what is there now, from its beginning to its end, and end' },
  max: { kind: 'integer', value: 'n', min: 1, summary: 'end after so many records' },
  keys: { kind: 'flag', summary: 'print the key, a tab, then the value' },
  headers: { kind: 'flag', summary: 'print the headers, a tab, then the rest' },
  ...avroOptions,
  out: { kind: 'text', value: 'file', summary: 'of --avro: write the values to an Avro file instead' },
} as const;

export const consumeCommand: Command = defineCommand({
  name: 'consume',
  summary: 'print the records of a topic as they come',
  details: `Prints one value a line; with --json whole records: topic, partition, offset, timestampMs, key, value, headers. Values that
are JSON objects or arrays stand in there as they are, other texts as strings, bytes that are not UTF-8 as "valueBase64" (without
--json as base64:…). Control characters are shown, not sent, where stdout is a terminal. It reads in a group of its own and never ends by
itself: --max, --all, Ctrl-C or the end of the reader (| head) end it, with 0.

With --avro values, and with --key-avro keys, are shown as JSON: numbers of 64 bits as decimal texts, bytes as base64, times as ISO texts. With --schema they are read as
that one, by Avro's rules; --avro registry reads each as it was written otherwise, and waits while the registry is away. --out writes them to an Avro
file, which must not have anything in it yet: with --schema, or with what is the latest of TOPIC-value at the start. Its blocks are a second old at most when they are written,
so that what a killed process leaves can be read up to the last of them. Keys, headers and records that cannot be read are not in it; the latter are told.`,
  arguments: [{ name: 'topic', required: true, summary: 'what to read' }],
  options,
  exitCodes: { 1: 'also with --out, when records could not be read: they are not in the file' },
  examples: [
    { line: 'millrace consume reviews.enriched --from-beginning --brokers localhost:9092', does: 'all values, then the new ones' },
    { line: 'millrace consume reviews.dead --from-beginning --max 10 --headers', does: 'ten dead letters with their stories' },
    { line: "millrace consume reviews.enriched --json | jq -r '.value.sentiment'", does: 'one field of each' },
    { line: 'millrace consume orders --all --avro registry --key-avro registry', does: 'keys and values, each as it was written' },
    { line: 'millrace consume orders --all --avro registry --out orders.avro', does: 'a topic as an Avro file' },
  ],
  run: async ({ options: given, args: [topic = ''] }, commandContext) => {
    const context = commandContext as CliContext;
    const { settings, out } = context;
    requireKafka('consume', settings);
    const { out: path } = given;
    const forms = await avroForms(given);
    if (path !== undefined && forms.values === undefined)
      throw new OptionError('--out writes an Avro file: say --avro registry or --avro plain, too');
    if (path !== undefined && (given.keys || given.headers || forms.keys))
      throw new OptionError('--out writes values alone: leave --keys, --key-avro and --headers out');
    const { transport, where, close } = await context.openTransport();
    let avro: AvroReaders = { values: undefined, keys: undefined };
    try {
      await requireTopics(transport, [topic]); // before a file is begun
      avro = await avroReaders(forms, topic, context, path !== undefined);
      const { values, keys } = avro;
      const sink =
        path === undefined || values?.schema === undefined
          ? printingSink(avro, { ...given, keys: given.keys || keys !== undefined }, context)
          : await avroFileSink(path, { ...values, schema: values.schema }, context);
      try {
        await readInto(sink, { transport, where, topic, ...given }, context);
      } finally {
        await sink.close();
      }
      const told = sink.ended();
      if (told) out.note(told.text);
      if (told) out.json({ topic, ...told.counts });
      return told?.isWhole === false ? 1 : 0;
    } finally {
      await avro.values?.close();
      await avro.keys?.close();
      await close();
    }
  },
});

interface Reading {
  readonly transport: Transport;
  readonly where: string;
  readonly topic: string;
  readonly fromBeginning: boolean;
  readonly all: boolean;
  readonly max: number | undefined;
}

async function readInto(sink: ConsumeSink, reading: Reading, { out, signal, log, clock }: CliContext): Promise<void> {
  const { transport, where, topic, fromBeginning, all, max = Number.POSITIVE_INFINITY } = reading;
  let seen = 0;
  const take = async (record: ReadRecord): Promise<boolean> => {
    if (seen >= max || signal.aborted) return true;
    seen += 1;
    await sink.take(record);
    return seen >= max;
  };
  const onTrouble = (why: string): void => {
    log.warn({ topic }, why);
  };
  if (all) {
    await readToEnd({ transport, topic, extents: await extentsOf(transport, topic), clock, signal, onTrouble, take });
    return;
  }
  await readTopics(transport, {
    topics: [topic],
    from: fromBeginning ? 'earliest' : 'latest',
    signal,
    onTrouble,
    onReady: () => {
      if (out.isTty) out.note(`reading ${topic} from ${where}; Ctrl-C ends it`);
    },
    take: async (records) => {
      for (const record of records) if (await take(record)) return true;
      return false;
    },
  });
}
