import type { DocumentResult } from './document.ts';
import { memberOf } from './member-of.ts';
import type { Json } from './merge/merge-extractions.ts';
import type { DocumentsSummary } from './run-options.ts';

/** Shorter ones are how limits are kept to. */
const shownWaitMs = 1_000;

/** One answer: its document, and what was found out, as far as the line is wide. */
export function answerLine({ status, input, result = {}, error, partial, ms }: DocumentResult, width: number): string {
  const found = Object.entries(result).map(([label, value]) => `${label.split('=')[0] ?? ''}: ${shown(value)}`);
  const said = status === 'error' ? `${error?.code ?? ''}: ${error?.message ?? ''}` : found.join(' · ');
  const mark = status === 'error' ? 'error  ' : partial ? 'partial' : 'done   ';
  // names and answers may have line breaks in them
  const line = `${mark} ${oneLine(input.id)}  ${(ms / 1000).toFixed(1)} s  ${oneLine(said)}`;
  return line.length > width ? `${line.slice(0, Math.max(0, width - 1)).replace(/[\uD800-\uDBFF]$/, '')}…` : line;
}

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ');

function shown(value: Json): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value))
    return typeof value[0] === 'number'
      ? `${String(value.length)} numbers`
      : value.map((one: Json) => (typeof one === 'string' ? one : JSON.stringify(one))).join(', ');
  const [answer, compared] = [memberOf(value, 'answer'), memberOf(value, 'compared')];
  if (answer !== undefined && Array.isArray(compared)) return `${shown(answer)} (${similarities(compared)})`;
  const [label, confidence] = [memberOf(value, 'label'), memberOf(value, 'confidence')];
  if (typeof label === 'string' && typeof confidence === 'number') return `${label} ${confidence.toFixed(2)}`;
  return JSON.stringify(value);
}

const plain = (value: Json | undefined): string => (typeof value === 'string' ? value : JSON.stringify(value ?? null));

/** Of the models that were asked beside the first. */
const similarities = (compared: readonly Json[]): string =>
  compared
    .slice(1)
    .map((one) => `${plain(memberOf(one, 'model'))}: ${plain(memberOf(one, 'similarity'))} alike`)
    .join(', ');

/** The rows of the table at the end. */
export function summaryRows(summary: DocumentsSummary, seconds: number): readonly (readonly string[])[] {
  const { documents, success, partial, error, unanswered, calls, fromJournal, inputTokens, outputTokens, waits } = summary;
  return [
    ['', 'this run'],
    ['documents', String(documents)],
    ['done', String(success)],
    ...(partial > 0 ? [['of these in part', String(partial)]] : []),
    ['failed', String(error)],
    ...(unanswered > 0 ? [['without an answer yet', String(unanswered)]] : []),
    ['calls', String(calls)],
    ['answered by the journal', String(fromJournal)],
    ['tokens', `${String(inputTokens)} in, ${String(outputTokens)} out`],
    ['time', `${seconds.toFixed(1)} s`],
    ...waits.filter(({ ms }) => ms >= shownWaitMs).map(({ reason, ms }) => [`waited ${(ms / 1000).toFixed(1)} s`, reason]),
  ];
}
