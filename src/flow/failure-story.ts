import { codeOf } from '../classify.ts';
import { messageOf } from '../errors.ts';
import type { Verdict } from '../record/outcome.ts';
import { formatPosition, type Header, textHeader } from '../record/record.ts';
import { type ContextField, contextHeaders, fieldsOf, noContext, readContext, type RecordContext } from '../record/record-context.ts';
import { deadLetterHeaders } from './dead-letters.ts';
import { encodeHistory, extendHistory, type FailureHistory, type HistoryEntry } from './failure-history.ts';
import type { Origin } from './origin.ts';
import type { Taken } from './owned.ts';
import { withoutSecrets } from '../without-secrets.ts';

const mostMessageChars = 1_000;
const mostOutputs = 50;
const mostFrames = 15;
const mostStackChars = 2_000;
const mostCauses = 8;

export type Failure = Verdict & { readonly outcome: 'failed' };

/** What the story of one failure is told from. */
export interface Story {
  readonly failure: Failure;
  readonly taken: Taken;
  readonly origin: Origin;
  readonly history: FailureHistory;
  readonly pipeline: string;
  /** As code has set it; undefined: the record's own headers say all. */
  readonly context: RecordContext | undefined;
}

export function storyOf(pipeline: string, taken: Taken, origin: Origin, failure: Failure): Story {
  const on = formatPosition(taken.partition.positionOf(taken.record));
  const tries = failure.tries.map(({ atMs, code }): HistoryEntry => ({ at: isoOf(atMs), on, code }));
  const end: HistoryEntry = {
    at: isoOf(failure.atMs),
    on,
    code: codeOf(failure.error),
    message: withoutSecrets(messageOf(failure.error)),
    attempts: failure.attempts,
  };
  return { failure, taken, origin, pipeline, context: taken.settlement?.context, history: extendHistory(origin.history, [...tries, end]) };
}

const isoOf = (ms: number): string => new Date(ms).toISOString();
/** The least that must be known of a failed record; under 2 kB. */
export function shortStory({ failure: { error, attempts, atMs }, taken: { record }, origin, pipeline }: Story): Header[] {
  const names = deadLetterHeaders;
  return [
    textHeader(names.exception, error.name.slice(0, 200)),
    textHeader(names.message, withoutSecrets(messageOf(error)).slice(0, mostMessageChars)),
    textHeader(names.topic, origin.topic),
    textHeader(names.partition, String(origin.partition)),
    textHeader(names.offset, String(origin.offset)),
    textHeader(names.timestamp, String(origin.timestampMs)),
    textHeader(names.pipeline, pipeline),
    textHeader(names.code, codeOf(error)),
    textHeader(names.attempts, String(origin.attempts + attempts)),
    textHeader(names.retries, String(origin.round)),
    textHeader(names.failedAt, isoOf(atMs)),
    ...(record.undecodable ? [textHeader(names.firstOffset, String(record.undecodable.firstOffset))] : []),
  ];
}

/** The context, for letters without the record's own headers: whose request it was must be known all the same. */
export function contextStory({ context, origin }: Story, only?: readonly ContextField[]): Header[] {
  const whole = context ?? readContext(origin.headers).context;
  return contextHeaders(only === undefined ? whole : fieldsOf(whole, only));
}

/** All that is known: under 16 kB. */
export function wholeStory(story: Story): Header[] {
  const { outputs, error } = story.failure;
  const shown = outputs.slice(0, mostOutputs).map(formatPosition);
  if (outputs.length > mostOutputs) shown.push(`and ${String(outputs.length - mostOutputs)} more`);
  const frames = framesOf(error);
  return [
    ...shortStory(story),
    ...(frames === '' ? [] : [textHeader(deadLetterHeaders.stacktrace, frames)]),
    textHeader(deadLetterHeaders.history, encodeHistory(story.history)),
    ...contextHeaders(story.context ?? noContext),
    ...(story.taken.settlement?.spending?.headers() ?? []),
    ...(shown.length > 0 ? [textHeader(deadLetterHeaders.outputs, shown.join(' '))] : []),
  ];
}

/** Where the innermost error was made, which is nearest to the fault. Without the lines of its message, which stand elsewhere and are looked through for secrets. */
function framesOf(error: Error): string {
  let inmost = error;
  for (let depth = 0; inmost.cause instanceof Error && depth < mostCauses; depth += 1) inmost = inmost.cause;
  const lines = (inmost.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  return lines.slice(0, mostFrames).join('\n').slice(0, mostStackChars);
}
