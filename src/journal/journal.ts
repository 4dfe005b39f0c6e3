import { resolve } from 'node:path';
import { type OptionNames, requireBoolean, requireOptions } from '../check-options.ts';
import { requireInteger, requireNumber, requireText } from '../errors.ts';
import { type Resource, sharedResource } from '../resource.ts';
import { openJournal } from './internal/open-journal.ts';
import type { Journal, JournalOptions } from './journal-port.ts';

const names: OptionNames<JournalOptions> = {
  ...{ dir: true, exclusive: true, maxDelayMs: true, maxGroupBytes: true, maxPendingBytes: true, maxValueBytes: true, lookEveryMs: true },
};
const mebibyte = 1024 * 1024;

/**
 * An append-only journal of finished work in a folder: what `append` has resolved for is there after any crash, and is never done again. For pipelines as a resource, with
 * `journaled`; for programs by `open`.
 *
 * Files hold JSON lines, one for each append, with time and checksum. Several processes may share the folder: each writes to a file of its own, and reads all. What a kill left half
 * written is cut off by the next writer of the file; a line that is damaged is told and counted, and its work is done again. Appends that come together share one `fsync`.
 * Holds 38.7 bytes a key, never the values; `maxPendingBytes` to be written, 1 MiB (or the longest line) while reading.
 *
 * Opening reads all files, and writes its own anew where more than half of it is superseded. It fails, as appends do, with `journal_full` (ENOSPC, EDQUOT), `journal_read_only` (EROFS, EACCES), `journal_failed` (EIO and others), `journal_in_use`:
 * pipelines stop then, and go on where they were when somebody has helped. A disk that loses what it has synced is not covered.
 * @throws OptionError for an option outside its range.
 */
export function journal(options: JournalOptions): Resource<Journal> {
  requireOptions('journal', options, names);
  const { dir, exclusive = false, maxDelayMs = 2, maxGroupBytes = mebibyte } = options;
  const { maxPendingBytes = 16 * mebibyte, maxValueBytes = 16 * mebibyte, lookEveryMs = 1_000 } = options;
  requireText('journal.dir', dir);
  requireBoolean('journal.exclusive', exclusive);
  requireNumber('journal.maxDelayMs', maxDelayMs, 0, 1_000);
  requireInteger('journal.maxGroupBytes', maxGroupBytes, 1);
  requireInteger('journal.maxPendingBytes', maxPendingBytes, 1);
  requireInteger('journal.maxValueBytes', maxValueBytes, 1, 1024 * mebibyte);
  if (lookEveryMs !== Infinity) requireNumber('journal.lookEveryMs', lookEveryMs, 0);
  const settings = { dir: resolve(dir), exclusive, maxDelayMs, maxGroupBytes, maxPendingBytes, maxValueBytes, lookEveryMs };
  return sharedResource('journal', (context) => openJournal(settings, context));
}
