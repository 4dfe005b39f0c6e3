import { type Header, headerText, type RecordHeaders, textHeader } from '../record/record.ts';

/**
 * Names of the headers that tell a dead letter's story, and that of a record that waits in a retry topic: `__streams.errors.*`
 * as Kafka Streams names them (KIP-1034). They stand behind the record's own headers, the last of them says how many they are.
 */
export const deadLetterHeaders = {
  exception: '__streams.errors.exception',
  message: '__streams.errors.message',
  /** Frames only: a stack's first line repeats the message. */
  stacktrace: '__streams.errors.stacktrace',
  topic: '__streams.errors.topic',
  partition: '__streams.errors.partition',
  offset: '__streams.errors.offset',
  timestamp: 'millrace.source.timestamp',
  pipeline: 'millrace.pipeline',
  code: 'millrace.error.code',
  /** Calls that ran for the record, over all its runs. */
  attempts: 'millrace.attempts',
  /** Runs that came by a retry topic. */
  retries: 'millrace.retries',
  failedAt: 'millrace.failed.at',
  /** Every failure with its time, oldest first, as JSON. */
  history: 'millrace.history',
  /** Outputs that were written all the same, as positions. */
  outputs: 'millrace.outputs',
  /** `omitted` when the payload was too large to be written. */
  payload: 'millrace.payload',
  /** `none`: the record had no key; its letter has its position as one, because the topic took none without. */
  key: 'millrace.key',
  /** First offset, where the letter stands for a range that could not be read. */
  firstOffset: 'millrace.first.offset',
  /** When a record in a retry topic may run again, in milliseconds since 1970. */
  notBefore: 'millrace.retry.not.before',
  /** How many headers the story takes, this one included. */
  added: 'millrace.headers.added',
} as const;

/** Headers of a record that was sent to its topic again after it had been a dead letter. */
export const redriveHeaders = { redrives: 'millrace.redrives', history: 'millrace.redrive.history' } as const;

/** The record's own headers, then the story. Nothing is taken from the former: they may tell the story of somebody else's failure. */
export function withStory(own: RecordHeaders, story: readonly Header[]): RecordHeaders {
  return [...own, ...story, textHeader(deadLetterHeaders.added, String(story.length + 1))];
}

/** A record's own headers, without the story behind them; undefined when there is none. */
export function withoutStory(headers: RecordHeaders): { readonly own: RecordHeaders; readonly story: RecordHeaders } | undefined {
  if (headers.at(-1)?.[0] !== deadLetterHeaders.added) return undefined;
  const count = Number(headerText(headers, deadLetterHeaders.added));
  if (!Number.isSafeInteger(count) || count < 1 || count > headers.length) return undefined;
  return { own: headers.slice(0, -count), story: headers.slice(-count) };
}
