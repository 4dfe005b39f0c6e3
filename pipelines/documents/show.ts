import type { DocumentResult } from './document.ts';
import type { Json } from './merge/merge-extractions.ts';
import type { DocumentsSummary } from './run-options.ts';

/** One answer: its document, and what was found out, as far as the line is wide. */
export function answerLine({ status, input, result = {}, error, partial, ms }: DocumentResult, width: number): string {
  const found = Object.entries(result).map(([label, value]) => `${label.split('=')[0] ?? ''}: ${shown(value)}`);
  const said = status === 'error' ? `${error?.code ?? ''}: ${error?.message ?? ''}` : found.join(' · ');
  const mark = status === 'error' ? 'error  ' : partial ? 'partial' : 'done   ';
  const line = `${mark} ${input.id}  ${(ms / 1000).toFixed(1)} s  ${said.replaceAll(/\s+/g, ' ')}`;
  return line.length > width ? `${line.slice(0, Math.max(0, width - 1))}…` : line;
}

function shown(value: Json): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value))
    return typeof value[0] === 'number'
      ? `${String(value.length)} numbers`
      : value.map((one: Json) => (typeof one === 'string' ? one : JSON.stringify(one))).join(', ');
  const label: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, 'label') : undefined;
  const confidence: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, 'confidence') : undefined;
  if (typeof label === 'string' && typeof confidence === 'number') return `${label} ${confidence.toFixed(2)}`;
  return JSON.stringify(value);
}

/** The rows of the table at the end. */
export function summaryRows(summary: DocumentsSummary, seconds: number): readonly (readonly string[])[] {
  const { documents, success, partial, error, unanswered, calls, fromJournal, inputTokens, outputTokens } = summary;
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
  ];
}
