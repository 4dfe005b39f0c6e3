import { headerText, type RecordHeaders, type SourceRecord } from '../record/record.ts';
import { Spending } from '../record/spending.ts';
import { decodeHistory, type FailureHistory } from './failure-history.ts';
import { deadLetterHeaders, redriveHeaders, withoutStory } from './dead-letters.ts';

/** A record as it was before it first failed: what users, logs and dead letters are told of it, whichever topic it came by. */
export interface Origin {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly timestampMs: number;
  readonly headers: RecordHeaders;
  /** Runs that came by a retry topic, this one included. */
  readonly round: number;
  /** Calls in earlier runs. */
  readonly attempts: number;
  readonly history: FailureHistory;
  /** What models have used for it in earlier runs. */
  readonly spent: Spending | undefined;
}

/** Of a record that was read from its own topic. */
export const originOf = (topic: string, partition: number, { offset, timestampMs, headers }: SourceRecord): Origin => ({
  topic,
  partition,
  offset,
  timestampMs,
  headers,
  round: 0,
  attempts: 0,
  history: decodeHistory(headerText(headers, redriveHeaders.history)),
  spent: undefined, // its dead letter has it
});

/** Of a record that waited in a retry topic; undefined when it does not say. */
export function waitedOrigin({ headers, timestampMs }: SourceRecord): Origin | undefined {
  const parts = withoutStory(headers);
  if (parts === undefined) return undefined;
  const { own, story } = parts;
  const names = deadLetterHeaders;
  const topic = headerText(story, names.topic);
  const [partition, round] = [integerIn(story, names.partition), integerIn(story, names.retries)];
  const offset = headerText(story, names.offset);
  if (topic === undefined || partition === undefined || round === undefined || offset === undefined || !/^\d{1,19}$/.test(offset))
    return undefined;
  return {
    topic,
    partition,
    offset: BigInt(offset),
    timestampMs: integerIn(story, names.timestamp) ?? timestampMs,
    headers: own,
    round,
    attempts: integerIn(story, names.attempts) ?? 0,
    history: decodeHistory(headerText(story, names.history)),
    spent: Spending.told(story),
  };
}

/** When a record in a retry topic may run; 0 when it does not say. */
export const notBeforeOf = ({ headers }: SourceRecord): number => integerIn(headers, deadLetterHeaders.notBefore) ?? 0;

function integerIn(headers: RecordHeaders, name: string): number | undefined {
  const value = Number(headerText(headers, name) ?? NaN);
  return Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

const ours: ReadonlySet<string> = new Set(Object.values(redriveHeaders));

/** What a pipeline sees of a record's headers, and passes on with its outputs: not what a redrive has noted for us. */
export const seenHeaders = (headers: RecordHeaders): RecordHeaders =>
  headers.some(([name]) => ours.has(name)) ? headers.filter(([name]) => !ours.has(name)) : headers;
