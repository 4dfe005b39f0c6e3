import { type Command, defineCommand } from '../command.ts';
import { CodecError, OptionError } from '../errors.ts';
import { type Letter, letterOf } from '../flow/letter.ts';
import { passes } from '../flow/letter-filter.ts';
import { formatPosition } from '../record/record.ts';
import { avroForms, avroOptions } from './avro-options.ts';
import { type AvroReaders, avroReaders, shownBytes } from './avro-values.ts';
import { requireKafka } from './broker-needed.ts';
import type { CliContext } from './context.ts';
import { toJsonRecord } from '../runtime/json-record.ts';
import { letterFilter, letterOptions } from './letter-options.ts';
import { extentsOf, readToEnd } from './read-to-end.ts';
import { bytesText, headersText } from './record-text.ts';
import type { TerminalOutput } from './terminal-output.ts';
import type { ReadRecord } from '../runtime/topic-reader.ts';

const defaultMax = 20;

const options = {
  offset: { kind: 'text', value: 'partition:offset', summary: 'only the letter that stands there' },
  ...letterOptions,
  max: { kind: 'integer', value: 'n', min: 1, summary: `end after so many letters (default: ${String(defaultMax)})` },
  payload: { kind: 'flag', summary: 'show key, headers and value of the record, too' },
  ...avroOptions,
} as const;

export const dlqShowCommand: Command = defineCommand({
  name: 'dlq show',
  summary: 'tell the stories of dead letters',
  details: `Prints what happened to each record: where it stood, which errors it met, when, and where in the code. Key, headers and value are
shown with --payload only. With --json one line for each letter; with --payload its "record" is what \`produce --json\` takes. With --avro values, with
--key-avro keys, are shown as JSON, each as it was written or as --schema, --key-schema; what cannot be read stays as it is, and "unreadable" says why.`,
  arguments: [{ name: 'topic', required: true, summary: 'the dead letters of a pipeline: its deadLetter' }],
  options,
  examples: [
    { line: 'millrace dlq show reviews.dead --brokers localhost:9092 --max 1', does: 'the oldest letter' },
    { line: 'millrace dlq show reviews.dead --offset 0:17 --payload', does: 'one letter and its record' },
    { line: 'millrace dlq show orders.dead --payload --avro registry', does: 'values that were Avro, as JSON' },
    { line: 'millrace dlq show reviews.dead --source reviews/3@2', does: 'what became of one record' },
  ],
  exitCodes: { 1: 'there is no such letter, or it failed', 130: 'stopped by Ctrl-C (143: by SIGTERM)' },
  run: async ({ options: { offset, max = defaultMax, payload, ...filters }, args: [topic = ''] }, given) => {
    const context = given as CliContext;
    const { settings, out, signal, log, clock } = context;
    requireKafka('dlq show', settings);
    const forms = await avroForms(filters);
    if (!payload && (forms.values ?? forms.keys)) throw new OptionError('--avro and --key-avro are of the payload: say --payload, too');
    const filter = letterFilter(filters, clock.nowMs());
    const place = offset === undefined ? undefined : placeOf(offset);
    const { transport, close } = await context.openTransport();
    let shown = 0;
    let avro: AvroReaders = { values: undefined, keys: undefined };
    const take = async (record: ReadRecord): Promise<boolean> => {
      const isThere = place === undefined || (record.partition === place.partition && record.offset === place.offset);
      const letter = isThere ? letterOf(record) : undefined;
      if (letter === undefined || !passes(filter, letter)) return place !== undefined && isThere;
      shown += 1;
      show(out, record, letter, payload ? await payloadOf(letter, avro) : undefined);
      await out.drained();
      return shown >= max || place !== undefined;
    };
    let unread = 0n;
    try {
      avro = await avroReaders(forms, topic, context);
      const onTrouble = (why: string): void => {
        log.warn({ topic }, why);
      };
      unread = await readToEnd({ transport, topic, extents: await extentsOf(transport, topic), clock, signal, onTrouble, take });
    } finally {
      await avro.values?.close();
      await avro.keys?.close();
      await close();
    }
    signal.throwIfAborted();
    if (shown === 0) out.note(`${topic} has no such letter`);
    else if (shown >= max && unread > 0n && place === undefined) out.note(`there may be more: --max ${String(max * 10)}`);
    return shown > 0 ? 0 : 1;
  },
});

function placeOf(text: string): { readonly partition: number; readonly offset: bigint } {
  const [, partition, offset] = /^(\d{1,9})[:@](\d{1,18})$/.exec(text) ?? [];
  if (partition === undefined || offset === undefined)
    throw new OptionError(`--offset must be PARTITION:OFFSET such as 0:17, got ${JSON.stringify(text)}`);
  return { partition: Number(partition), offset: BigInt(offset) };
}

/** What is shown of the record itself. */
interface Payload extends Pick<Letter['original'], 'key' | 'value' | 'headers'> {
  readonly hasJsonKey: boolean;
  /** Why parts of it are shown as they are. */
  readonly unreadable: Readonly<Record<string, string>>;
}

/** Letters tell of what often could not be read: then it is shown as it is. */
async function payloadOf({ original, payload }: Letter, avro: AvroReaders): Promise<Payload | undefined> {
  if (payload !== 'whole') return undefined;
  const unreadable: Record<string, string> = {};
  const shown = async (part: 'key' | 'value', as: AvroReaders['values']): Promise<Uint8Array | null> => {
    try {
      return await shownBytes(as, original[part]);
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      unreadable[part] = error.message;
      return original[part];
    }
  };
  const [key, value] = [await shown('key', avro.keys), await shown('value', avro.values)];
  return { key, value, headers: original.headers, hasJsonKey: avro.keys !== undefined, unreadable };
}

function show(out: TerminalOutput, record: ReadRecord, letter: Letter, payload: Payload | undefined): void {
  const { source, sourceTimestampMs, pipeline, code, exception, message, stacktrace, attempts, retries, redrives, history, outputs } =
    letter;
  const { topic, partition, offset } = record;
  const failedAt = new Date(letter.failedAtMs).toISOString();
  if (out.isJson) {
    const bytes = letter.original.value?.length ?? 0;
    const story = {
      letter: { topic, partition, offset: String(offset) },
      source: { ...source, offset: String(source.offset), timestampMs: sourceTimestampMs },
      ...{ pipeline, code, exception, message, failedAt, attempts, retries, redrives, payload: letter.payload, bytes, outputs, stacktrace },
      history: history.entries,
      ...(history.omitted > 0 ? { historyOmitted: history.omitted } : {}),
    };
    const timestampMs = sourceTimestampMs === undefined ? {} : { timestampMs: sourceTimestampMs };
    if (!payload) {
      out.raw(JSON.stringify(story));
      return;
    }
    const { hasJsonKey, unreadable, ...parts } = payload;
    const told = JSON.stringify({ ...story, ...(Object.keys(unreadable).length > 0 ? { unreadable } : {}) });
    out.raw(`${told.slice(0, -1)},"record":${toJsonRecord({ ...source, ...timestampMs, ...parts }, hasJsonKey)}}`);
    return;
  }
  const field = (name: string, text: string | number | undefined): void => {
    if (text !== undefined) out.line(`  ${name.padEnd(9)} ${String(text).replaceAll('\n', `\n${' '.repeat(12)}`)}`);
  };
  out.line(`${formatPosition({ topic, partition, offset })}  ${code}`);
  field('record', formatPosition(source));
  field('pipeline', pipeline);
  field('failed', failedAt);
  field('error', [exception, message].filter((one) => one !== undefined).join(': '));
  field('attempts', attempts);
  if ((retries ?? 0) > 0) field('retries', retries);
  if (redrives > 0) field('redrives', redrives);
  field('outputs', outputs);
  const told = history.entries.map((one) => [one.at, one.on, one.code, one.message].filter((part) => part !== undefined).join('  '));
  if (history.omitted > 0) told.unshift(`(${String(history.omitted)} older ones were cut off)`);
  if (told.length > 0) field('history', told.join('\n'));
  field('stack', stacktrace?.replace(/^\s+/gm, ''));
  if (letter.payload !== 'whole') field('payload', letter.payload);
  if (payload) {
    field('key', bytesText(payload.key));
    field('headers', headersText(payload.headers));
    field('value', bytesText(payload.value));
    field(
      'no Avro',
      Object.entries(payload.unreadable)
        .map((one) => one.join(': '))
        .join('\n') || undefined,
    );
  }
  out.line('');
}
