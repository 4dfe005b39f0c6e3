import { classify } from '../classify.ts';
import { isRetryable, isStreamError } from '../errors.ts';
import { formatPosition, type OutputPosition, type OutputRecord, recordBytes, textHeader } from '../record/record.ts';
import type { RetryTopic } from '../retry-options.ts';
import { deadLetterHeaders, withStory } from './dead-letters.ts';
import { contextStory, type Failure, shortStory, type Story, storyOf, wholeStory } from './failure-story.ts';
import { originOf } from './origin.ts';
import type { Departed, Taken } from './owned.ts';
import type { Outgoing } from './outbox.ts';

/** One way in which a failed record can leave the pipeline. */
export interface Departure {
  readonly to: Departed;
  readonly topic: string;
  readonly record: OutputRecord;
}

export interface DepartureOptions {
  readonly pipeline: string;
  readonly nowMs: number;
  /** Undefined: there are no dead letters, only retry topics. */
  readonly deadLetter: string | undefined;
  readonly retryTopics: readonly RetryTopic[];
}

const mostKeyBytes = 1_000;

/**
 * How a failed record leaves, the best way first: into the next retry topic, where another run could help; as a dead letter,
 * as it was read with the story of its failure in its headers; the same with its position as the key it lacks; without its payload;
 * with little more than its position. The next way is taken where the broker refuses one for its size, or for having no key. The
 * last has under 2 kB, and a key.
 */
export function departuresOf(options: DepartureOptions, taken: Taken, failure: Failure): readonly Departure[] {
  const { partition, record } = taken;
  const origin = taken.origin ?? originOf(partition.topic, partition.partition, record);
  const story = storyOf(options.pipeline, taken, origin, failure);
  const omitted = textHeader(deadLetterHeaders.payload, 'omitted');
  const key = record.key !== null && record.key.length <= mostKeyBytes ? record.key : null;
  const { deadLetter } = options;
  if (deadLetter === undefined) return waitingOf(options, story);
  const letter = (made: OutputRecord): Departure => ({ to: 'dead-letter', topic: deadLetter, record: made });
  const position = Buffer.from(formatPosition(origin));
  const keyless = record.key === null ? [textHeader(deadLetterHeaders.key, 'none')] : [];
  return [
    ...waitingOf(options, story),
    letter({ key: record.key, value: record.value, headers: withStory(origin.headers, wholeStory(story)) }),
    // a topic that has become a compacted one takes nothing without a key
    ...(record.key === null
      ? [letter({ key: position, value: record.value, headers: withStory(origin.headers, [...wholeStory(story), ...keyless]) })]
      : []),
    letter({
      key,
      value: null,
      headers: withStory([], [...wholeStory({ ...story, context: undefined }), ...contextStory(story), omitted]),
    }),
    letter({
      key: position,
      value: null,
      headers: withStory([], [...shortStory(story), ...contextStory(story, ['requestId', 'traceparent']), ...keyless, omitted]),
    }),
  ];
}

/** Whether a failed record is to run again later, and with which topic's delay. */
export function nextRetry(
  retryTopics: readonly RetryTopic[],
  taken: Pick<Taken, 'origin'>,
  failure: Pick<Failure, 'error' | 'outputs'>,
): RetryTopic | undefined {
  // outputs that are written would be written twice; the dead letter lists them, and leaves it to a person
  if (failure.outputs.length > 0 || !isRetryable(classify(failure.error))) return undefined;
  return retryTopics[taken.origin?.round ?? 0];
}

function waitingOf({ retryTopics, nowMs }: DepartureOptions, story: Story): Departure[] {
  const { taken, origin, failure } = story;
  const next = nextRetry(retryTopics, taken, failure);
  if (next === undefined) return [];
  const told = wholeStory({ ...story, origin: { ...origin, round: origin.round + 1 } });
  const headers = withStory(origin.headers, [...told, textHeader(deadLetterHeaders.notBefore, String(Math.ceil(nowMs + next.delayMs)))]);
  // its time in the log is that of its writing: with its own the log's retention might delete it before it is due
  return [{ to: 'retry', topic: next.name, record: { key: taken.record.key, value: taken.record.value, headers } }];
}

/**
 * What is left of the others when `way` was refused. What is no smaller than a record that is too large is not tried: writing 10 MB takes 50 ms, in which nothing
 * else runs.
 */
export function othersAfter(way: Departure, error: Error, others: readonly Departure[]): readonly Departure[] {
  if (!isStreamError(error) || error.code !== 'record_too_large') return others;
  return others.filter(({ topic, record }) => topic !== way.topic || recordBytes(record) < recordBytes(way.record));
}

/** Where records are written one by one. */
export interface DepartureTarget {
  push(topic: string, outgoing: Outgoing): void;
}

export interface DepartureEnds {
  /** It is acknowledged: the record is never settled before. */
  readonly left: (departure: Departure, at: OutputPosition) => void;
  /** The broker takes it in no way. */
  readonly refused: (error: Error) => void;
}

/** Writes a failed record the first way that the broker takes; whatever else keeps it from that is waited out. */
export function sendDeparture(target: DepartureTarget, departures: readonly Departure[], taken: Taken, ends: DepartureEnds): void {
  const [first, ...others] = departures;
  if (first === undefined) return;
  target.push(first.topic, {
    record: first.record,
    wanted: () => taken.partition.phase !== 'gone',
    sent: (at) => {
      ends.left(first, at);
    },
    refused: (error) => {
      const left = othersAfter(first, error, others);
      if (left.length > 0) sendDeparture(target, left, taken, ends);
      else ends.refused(error);
    },
  });
}
