import { join } from 'node:path';
import { type CommandContext, messageOf, type RunSnapshot, writeReport } from 'millrace';
import type { DocumentsSummary } from './run-options.ts';
import { summaryRows } from './show.ts';

/** A run that ended, however it did. */
export interface EndedPile {
  readonly title: string;
  readonly tasks: readonly string[];
  readonly folder: string;
  readonly model: string;
  readonly compare: string | undefined;
  readonly run: RunSnapshot;
  readonly summary: DocumentsSummary;
  /** What ended it before its time; undefined where nothing did. */
  readonly failure: unknown;
}

/** Writes the report beside the answers, and says what is where. Rejects where it cannot be written. */
export async function reportPile(
  { title, tasks, folder, model, compare, run, summary, failure }: EndedPile,
  out: CommandContext['out'],
): Promise<void> {
  const { fromJournal, waits, unanswered, results } = summary;
  const waited = waits.map(({ reason, ms }) => `${(ms / 1000).toFixed(1)} s: ${reason}`).join('; ');
  const facts = {
    ...{ input: title, model, ...(compare !== undefined && { 'compared with': compare }), tasks: tasks.join(' ') },
    ...{ 'answered by the journal': fromJournal, ...(waited !== '' && { waited }) },
    ...(failure !== undefined && { 'ended early by': messageOf(failure), 'without an answer yet': unanswered }),
  };
  await writeReport(folder, { title: `documents: ${title}`, noun: 'documents', facts, run });
  out.json({ summary });
  out.line('');
  out.table(summaryRows(summary, run.elapsedMs / 1000));
  out.note(`answers: ${results ?? 'none'}; report: ${join(folder, 'report.html')}`);
}
