import { headerText, type OutputRecord, type RecordHeaders, type SourceRecord, textHeader } from '../record/record.ts';
import { deadLetterHeaders, redriveHeaders, withoutStory } from './dead-letters.ts';
import { decodeHistory, encodeHistory, type FailureHistory } from './failure-history.ts';

export interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
}

/** A dead letter, read back from its record. */
export interface Letter {
  /** Where the failed record stood in its own topic. */
  readonly source: Place;
  readonly sourceTimestampMs: number | undefined;
  readonly pipeline: string;
  readonly code: string;
  readonly exception: string | undefined;
  readonly message: string | undefined;
  readonly stacktrace: string | undefined;
  readonly attempts: number | undefined;
  readonly retries: number | undefined;
  /** How often the record was sent to its topic again before it failed this time. */
  readonly redrives: number;
  /** Milliseconds since 1970; when the letter was written, where it does not say. */
  readonly failedAtMs: number;
  readonly history: FailureHistory;
  /** Places of outputs that were written all the same. */
  readonly outputs: string | undefined;
  /** `omitted`: it was too large to be written; `unreadable`: the letter stands for a range of offsets that could not be read. */
  readonly payload: 'whole' | 'omitted' | 'unreadable';
  /** The record as it was read, where the payload is whole. */
  readonly original: Pick<OutputRecord, 'key' | 'value' | 'headers'>;
}

/** What a record of a dead-letter topic says; undefined where it is none of our letters. */
export function letterOf({ key, value, headers, timestampMs, undecodable }: SourceRecord): Letter | undefined {
  const parts = undecodable ? undefined : withoutStory(headers);
  if (parts === undefined) return undefined;
  const { own, story } = parts;
  const text = (name: string): string | undefined => headerText(story, name);
  const names = deadLetterHeaders;
  const source = placeOf(story);
  const code = text(names.code);
  if (source === undefined || code === undefined) return undefined;
  const failedAtMs = Date.parse(text(names.failedAt) ?? '');
  return {
    source,
    sourceTimestampMs: integerIn(story, names.timestamp),
    pipeline: text(names.pipeline) ?? '',
    code,
    exception: text(names.exception),
    message: text(names.message),
    stacktrace: text(names.stacktrace),
    attempts: integerIn(story, names.attempts),
    retries: integerIn(story, names.retries),
    redrives: integerIn(own, redriveHeaders.redrives) ?? 0,
    failedAtMs: Number.isNaN(failedAtMs) ? timestampMs : failedAtMs,
    history: decodeHistory(text(names.history)),
    outputs: text(names.outputs),
    payload: text(names.firstOffset) !== undefined ? 'unreadable' : text(names.payload) === 'omitted' ? 'omitted' : 'whole',
    original: { key: text(names.key) === 'none' ? null : key, value, headers: own },
  };
}

/**
 * The record that is sent to its topic again: key, value and headers as they were, behind them how often that was done and
 * what happened before. Its time in the log is that of its writing: with its own, retention might delete it before it is read.
 */
export function redriven({ original, redrives, history }: Letter): OutputRecord {
  const { key, value, headers } = original;
  const own = headers.filter(([name]) => name !== redriveHeaders.redrives && name !== redriveHeaders.history);
  const noted = [textHeader(redriveHeaders.redrives, String(redrives + 1)), textHeader(redriveHeaders.history, encodeHistory(history))];
  return { key, value, headers: [...own, ...noted] };
}

function placeOf(story: RecordHeaders): Place | undefined {
  const topic = headerText(story, deadLetterHeaders.topic);
  const partition = integerIn(story, deadLetterHeaders.partition);
  const offset = headerText(story, deadLetterHeaders.offset);
  if (topic === undefined || partition === undefined || offset === undefined || !/^\d{1,19}$/.test(offset)) return undefined;
  return { topic, partition, offset: BigInt(offset) };
}

function integerIn(headers: RecordHeaders, name: string): number | undefined {
  const value = Number(headerText(headers, name) ?? NaN);
  return Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}
