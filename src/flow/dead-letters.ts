import { codeOf } from '../classify.ts';
import { messageOf } from '../errors.ts';
import { formatPosition, type OutputRecord } from '../record/record.ts';
import type { Verdict } from '../record/outcome.ts';
import type { Taken } from './owned.ts';
import type { Sink } from './sink.ts';

/** Names of the headers that tell a dead letter's story; `__streams.errors.*` as Kafka Streams names them (KIP-1034). */
export const deadLetterHeaders = {
  exception: '__streams.errors.exception',
  message: '__streams.errors.message',
  topic: '__streams.errors.topic',
  partition: '__streams.errors.partition',
  offset: '__streams.errors.offset',
  timestamp: 'millrace.source.timestamp',
  pipeline: 'millrace.pipeline',
  code: 'millrace.error.code',
  attempts: 'millrace.attempts',
  failedAt: 'millrace.failed.at',
  /** Outputs that were written all the same, as positions. */
  outputs: 'millrace.outputs',
  /** `omitted` when the payload was too large to be written. */
  payload: 'millrace.payload',
  /** First offset, where the letter stands for a range that could not be read. */
  firstOffset: 'millrace.first.offset',
} as const;

const maxMessageChars = 1_000;
const maxOutputs = 50;

/** A failed record as it is written to the dead letters. */
export interface DeadLetter {
  /** As it was read, with the story of its failure in its headers. */
  readonly whole: OutputRecord;
  /** Without its payload, for where that is too large: under 5 kB. */
  readonly short: OutputRecord;
}

export interface DeadLetterOptions {
  readonly pipeline: string;
  readonly nowMs: () => number;
}

export function deadLetterOf(options: DeadLetterOptions, taken: Taken, verdict: Verdict & { outcome: 'failed' }): DeadLetter {
  const { record } = taken;
  const story = storyOf(options, taken, verdict);
  return {
    whole: { key: record.key, value: record.value, headers: [...record.headers.filter(([name]) => !ours.has(name)), ...story] },
    short: { key: null, value: null, headers: [...story, header(deadLetterHeaders.payload, 'omitted')] },
  };
}

/**
 * Writes a dead letter. One whose payload the broker refuses is written without it. Anything else is waited out: a record
 * is never settled before its letter is acknowledged.
 */
export function sendDeadLetter(sink: Sink, topic: string, { whole, short }: DeadLetter, taken: Taken, acknowledged: () => void): void {
  const wanted = (): boolean => taken.partition.phase !== 'gone';
  const push = (letter: OutputRecord, refused: () => void): void => {
    sink.push(topic, { record: letter, wanted, sent: acknowledged, refused });
  };
  const again = (): void => {
    push(short, again); // a broker that refuses even that is waited for like any other trouble
  };
  push(whole, again);
}

const ours: ReadonlySet<string> = new Set(Object.values(deadLetterHeaders));
const encoder = new TextEncoder();
const header = (name: string, value: string): readonly [string, Uint8Array] => [name, encoder.encode(value)];

function storyOf(
  { pipeline, nowMs }: DeadLetterOptions,
  { partition, record }: Taken,
  { error, outputs, attempts }: Verdict & { outcome: 'failed' },
) {
  const shown = outputs.slice(0, maxOutputs).map(formatPosition);
  if (outputs.length > maxOutputs) shown.push(`and ${String(outputs.length - maxOutputs)} more`);
  const names = deadLetterHeaders;
  return [
    header(names.exception, error.name),
    header(names.message, messageOf(error).slice(0, maxMessageChars)),
    header(names.topic, partition.topic),
    header(names.partition, String(partition.partition)),
    header(names.offset, String(record.offset)),
    header(names.timestamp, String(record.timestampMs)),
    header(names.pipeline, pipeline),
    header(names.code, codeOf(error)),
    header(names.attempts, String(attempts)),
    header(names.failedAt, new Date(nowMs()).toISOString()),
    ...(shown.length > 0 ? [header(names.outputs, shown.join(' '))] : []),
    ...(record.undecodable ? [header(names.firstOffset, String(record.undecodable.firstOffset))] : []),
  ];
}
