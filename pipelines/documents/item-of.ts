import { type AggregateValue, type ErrorCode, type MonitoredItem, StreamError } from 'millrace';
import type { DocumentResult } from './document.ts';
import { memberOf } from './member-of.ts';
import type { Json } from './merge/merge-extractions.ts';

/** Fields by which a report can be divided in time, first found. */
const timeFields = ['date', 'time', 'timestamp', 'year', 'created_at'];

/** What a report counts of an answer: labels and keywords, the fields of its row, what it took. */
export function itemOf({ input, error, result = {}, usage, ms }: DocumentResult): MonitoredItem {
  const fields = Object.entries(input.fields ?? {});
  const time = timeFields.map((name) => input.fields?.[name]).find((one) => typeof one === 'string' || typeof one === 'number');
  return {
    id: input.id,
    ...(error && { error: new StreamError(error.code as ErrorCode, error.message) }),
    processingMs: ms,
    tokens: { input: usage.inputTokens, output: usage.outputTokens },
    ...{ calls: usage.calls, reused: usage.fromJournal },
    answers: Object.fromEntries(Object.entries(result).flatMap(([label, value]) => counted(label, value))),
    fields: Object.fromEntries(fields.flatMap(([name, value]) => (isPlain(value) ? [[name, value]] : []))),
    ...(time === undefined ? {} : { time: String(time) }),
  };
}

/** Texts and vectors are all different: there is nothing to count. */
function counted(label: string, value: Json): readonly (readonly [string, AggregateValue])[] {
  const answer = memberOf(value, 'answer') ?? value; // beside it stand those of other models
  const said = memberOf(answer, 'label');
  if (typeof said === 'string') return [[label, said]];
  const isKeywords = label === 'keywords' && Array.isArray(answer);
  return isKeywords ? [[label, answer as readonly string[]]] : [];
}

/** Short enough to be a value of something. */
const isPlain = (value: Json): value is string | number | boolean =>
  typeof value === 'number' || typeof value === 'boolean' || (typeof value === 'string' && value.length <= 80);
