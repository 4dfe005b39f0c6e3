import { type Command, defineCommand } from '../command.ts';
import { OptionError } from '../errors.ts';
import { type Letter, letterOf } from '../flow/letter.ts';
import { passes } from '../flow/letter-filter.ts';
import { formatPosition } from '../record/record.ts';
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
} as const;

export const dlqShowCommand: Command = defineCommand({
  name: 'dlq show',
  summary: 'tell the stories of dead letters',
  details: `Prints what happened to each record: where it stood, which errors it met, when, and where in the code. Key, headers and value are
shown with --payload only. With --json one line for each letter; with --payload its "record" is what \`produce --json\` takes.`,
  arguments: [{ name: 'topic', required: true, summary: 'the dead letters of a pipeline: its deadLetter' }],
  options,
  examples: [
    { line: 'millrace dlq show reviews.dead --brokers localhost:9092 --max 1', does: 'the oldest letter' },
    { line: 'millrace dlq show reviews.dead --offset 0:17 --payload', does: 'one letter and its record' },
    { line: 'millrace dlq show reviews.dead --source reviews/3@2', does: 'what became of one record' },
  ],
  exitCodes: { 1: 'there is no such letter, or it failed', 130: 'stopped by Ctrl-C (143: by SIGTERM)' },
  run: async ({ options: { offset, max = defaultMax, payload, ...filters }, args: [topic = ''] }, given) => {
    const context = given as CliContext;
    const { settings, out, signal, log, clock } = context;
    requireKafka('dlq show', settings);
    const filter = letterFilter(filters, clock.nowMs());
    const place = offset === undefined ? undefined : placeOf(offset);
    const { transport, close } = await context.openTransport();
    let shown = 0;
    const take = async (record: ReadRecord): Promise<boolean> => {
      const isThere = place === undefined || (record.partition === place.partition && record.offset === place.offset);
      const letter = isThere ? letterOf(record) : undefined;
      if (letter === undefined || !passes(filter, letter)) return place !== undefined && isThere;
      shown += 1;
      show(out, record, letter, payload);
      await out.drained();
      return shown >= max || place !== undefined;
    };
    let unread = 0n;
    try {
      const onTrouble = (why: string): void => {
        log.warn({ topic }, why);
      };
      unread = await readToEnd({ transport, topic, extents: await extentsOf(transport, topic), clock, signal, onTrouble, take });
    } finally {
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

function show(out: TerminalOutput, record: ReadRecord, letter: Letter, payload: boolean): void {
  const { source, sourceTimestampMs, pipeline, code, exception, message, stacktrace, attempts, retries, redrives, history, outputs } =
    letter;
  const { topic, partition, offset } = record;
  const failedAt = new Date(letter.failedAtMs).toISOString();
  const { key, value, headers } = letter.original;
  if (out.isJson) {
    const bytes = value?.length ?? 0;
    const story = {
      letter: { topic, partition, offset: String(offset) },
      source: { ...source, offset: String(source.offset), timestampMs: sourceTimestampMs },
      ...{ pipeline, code, exception, message, failedAt, attempts, retries, redrives, payload: letter.payload, bytes, outputs, stacktrace },
      history: history.entries,
      ...(history.omitted > 0 ? { historyOmitted: history.omitted } : {}),
    };
    const timestampMs = sourceTimestampMs === undefined ? {} : { timestampMs: sourceTimestampMs };
    const whole = toJsonRecord({ ...source, ...timestampMs, key, value, headers });
    out.raw(payload && letter.payload === 'whole' ? `${JSON.stringify(story).slice(0, -1)},"record":${whole}}` : JSON.stringify(story));
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
  if (payload && letter.payload === 'whole') {
    field('key', bytesText(key));
    field('headers', headersText(headers));
    field('value', bytesText(value));
  }
  out.line('');
}
