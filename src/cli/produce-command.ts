import { bytes } from '../codec/bytes.ts';
import { nullable } from '../codec/nullable.ts';
import { type Command, defineCommand } from '../command.ts';
import { messageOf, OptionError } from '../errors.ts';
import { topic } from '../pipeline.ts';
import { connect } from '../runtime/connect.ts';
import { avroRecords } from './avro-input.ts';
import { avroForms, avroOptions } from './avro-options.ts';
import { requireKafka } from './broker-needed.ts';
import type { CliContext } from './context.ts';
import { fromJsonRecord, type RawRecord, type RecordBatch } from '../runtime/json-record.ts';
import { type InputLine, lineBatches, openInput } from './line-batches.ts';

const options = {
  keySeparator: { kind: 'text', value: 'text', summary: 'what is before its first occurrence in a line is the key' },
  ...avroOptions,
  keyField: {
    kind: 'text',
    value: 'name',
    summary: 'of --avro: the field of each value that is its key, too, as text, or with --key-avro as Avro',
  },
  createTopics: { kind: 'flag', summary: 'create the topic if it does not exist' },
} as const;

export const produceCommand: Command = defineCommand({
  name: 'produce',
  summary: 'write the lines of a file, or of stdin, to a topic',
  details: `Each line is the value of one record, byte by byte, with no key unless --key-separator is given. With --json each line is a
record as \`consume --json\` prints them: {"key": "k", "value": …, "headers": [["name", "text"]]}; a text is taken as it is, an
object, array or number as it is written there, null is a tombstone, "valueBase64" and "keyBase64" take any bytes. Empty lines are skipped.
With --avro the file is an Avro file (object container) and each of its values a record; with --avro registry their schema, which is that of
--schema or else the file's own, is looked up as the topic's (TOPIC-value), or registered if it may follow the latest one. With --key-avro keys are Avro,
too (TOPIC-key): the field that --key-field names, with its own schema or that of --key-schema; or the fields of each value that --key-schema has.
Ends with the file; the records are acknowledged by all in-sync replicas then. Ctrl-C stops reading; what was read is written.`,
  arguments: [
    { name: 'topic', required: true, summary: 'where to write' },
    { name: 'file', summary: 'one record a line, or an Avro file; - is stdin (default)' },
  ],
  options,
  examples: [
    { line: 'millrace produce reviews reviews.txt --brokers localhost:9092', does: 'each line is a value' },
    { line: "echo 'r-17|the sound is great' | millrace produce reviews --key-separator '|'", does: 'with keys' },
    { line: 'millrace produce orders orders.avro --avro registry --key-field customer', does: 'the values of an Avro file' },
    {
      line: 'millrace produce orders orders.avro --avro registry --key-avro registry --key-schema key.avsc',
      does: 'keys are records, too',
    },
    { line: 'millrace consume a --from-beginning --json | millrace produce b --json', does: 'copy a topic as it grows, byte by byte' },
  ],
  run: async ({ options: { keySeparator, createTopics, ...given }, args: [name = '', file = '-'] }, commandContext) => {
    const context = commandContext as CliContext;
    const { settings, out, signal } = context;
    requireKafka('produce', settings);
    const { values: form, keys: keyForm } = await avroForms(given);
    requireFitting(settings.json, keySeparator, given, form !== undefined);
    const target = topic(name, nullable(bytes()), { key: nullable(bytes()) });
    const { transport, close } = await context.openTransport();
    const client = connect(transport);
    const count = { records: 0, bytes: 0, skipped: 0 };
    try {
      if (createTopics) await transport.createTopics([{ name }]);
      const input = openInput(file, signal);
      const batches =
        form === undefined
          ? lineRecords(input, settings.json ? jsonLine : plainLine(keySeparator))
          : avroRecords(
              { name: file === '-' ? 'stdin' : file, bytes: input, topic: name, form, keyForm, keyField: given.keyField },
              context,
            );
      for await (const { records, bytes: size, skipped = 0 } of batches) {
        await client.produce(target, records); // one batch at a time: the input waits for the broker
        count.records += records.length;
        count.skipped += skipped;
        count.bytes += size;
        out.live(`${String(count.records)} records to ${name}`);
      }
    } finally {
      await client.close();
      await close();
    }
    out.live(undefined);
    out.note(
      `${String(count.records)} records written to ${name}${count.skipped > 0 ? `, ${String(count.skipped)} empty lines skipped` : ''}`,
    );
    out.json({ topic: name, ...count });
    return context.interrupt.exitCode ?? 0;
  },
});

/** @throws OptionError for options that exclude each other */
function requireFitting(
  isJson: boolean,
  keySeparator: string | undefined,
  { keyField, keyAvro }: { readonly keyField: string | undefined; readonly keyAvro: string | undefined },
  isAvro: boolean,
): void {
  if (keySeparator === '') throw new OptionError('--key-separator must not be empty');
  if (keyField !== undefined && !isAvro) throw new OptionError('--key-field is of Avro: say --avro registry or --avro plain, too');
  if (keyAvro !== undefined && !isAvro)
    throw new OptionError('--key-avro takes keys from Avro values: say --avro registry or --avro plain, too');
  if (keySeparator === undefined) return;
  if (isAvro)
    throw new OptionError('--key-separator contradicts --avro: the values are no lines; --key-field names the field that is the key');
  if (isJson) throw new OptionError('--key-separator contradicts --json: the lines name their keys themselves');
}

async function* lineRecords(input: AsyncIterable<Uint8Array>, toRecord: (line: Uint8Array) => RawRecord): AsyncGenerator<RecordBatch> {
  let written = 0;
  for await (const lines of lineBatches(input)) {
    const filled = lines.filter((line) => line.bytes.length > 0);
    const records = filled.map((line) => numbered(line, written, toRecord));
    yield { records, bytes: filled.reduce((sum, line) => sum + line.bytes.length, 0), skipped: lines.length - filled.length };
    written += records.length;
  }
}

function numbered(line: InputLine, written: number, toRecord: (line: Uint8Array) => RawRecord): RawRecord {
  try {
    return toRecord(line.bytes);
  } catch (error) {
    throw new OptionError(`line ${String(line.number)}: ${messageOf(error)}; ${String(written)} records were written before it`, {
      cause: error,
    });
  }
}

const jsonLine = (line: Uint8Array): RawRecord => fromJsonRecord(new TextDecoder('utf-8', { fatal: true }).decode(line));

const plainLine =
  (separator: string | undefined) =>
  (line: Uint8Array): RawRecord => {
    if (separator === undefined) return { key: null, value: line, headers: [] };
    const at = Buffer.from(line.buffer, line.byteOffset, line.byteLength).indexOf(separator);
    if (at < 0) throw new Error(`no key separator ${JSON.stringify(separator)} in it`);
    return { key: line.subarray(0, at), value: line.subarray(at + Buffer.byteLength(separator)), headers: [] };
  };
