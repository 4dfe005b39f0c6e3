import { DocumentsRun } from './documents-run.ts';
import type { DocumentsSummary, RunDocumentsOptions } from './run-options.ts';
import { resolveDocumentsSettings, settingsTable } from './settings.ts';

/**
 * Works on a pile of documents: `results.jsonl` has an answer for each, `merged.json` all of them as one document, `journal/` what is finished and never done again. Interrupted, killed or
 * failed, the same call goes on: what the journal has is not asked again. Holds `window` documents on the way. Rejects when it cannot go on (a disk that is full, a model that stays away, a
 * wrong key), after it has closed all it opened.
 * @throws OptionError for settings out of range.
 */
export async function runDocuments(options: RunDocumentsOptions): Promise<DocumentsSummary> {
  const given = Object.entries(options).filter(([name]) => Object.hasOwn(settingsTable, name));
  return new DocumentsRun(options, resolveDocumentsSettings(Object.fromEntries(given))).run();
}
