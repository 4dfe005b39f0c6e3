import type { Clock } from '../../src/clock.ts';
import { type JournalFiles, nodeFiles } from '../../src/journal/internal/files.ts';
import { openJournal } from '../../src/journal/internal/open-journal.ts';
import type { Journal, JournalOptions } from '../../src/journal/journal-port.ts';
import { virtualClock } from '../../src/virtual-clock.ts';

export interface TestJournal {
  readonly journal: Journal;
  /** What was told, as `level message line`. */
  readonly told: string[];
  close(): Promise<void>;
}

/** A journal that waits for no company, unless it is told to. */
export async function testJournal(
  options: JournalOptions,
  { clock = virtualClock(), files = nodeFiles }: { readonly clock?: Clock; readonly files?: JournalFiles } = {},
): Promise<TestJournal> {
  const told: string[] = [];
  const mebibyte = 1024 * 1024;
  const settings = {
    ...{ exclusive: false, maxDelayMs: 0, maxGroupBytes: mebibyte, maxPendingBytes: mebibyte, maxValueBytes: mebibyte, lookEveryMs: 0 },
    ...options,
  };
  const log = (level: string, message: string, details?: Readonly<Record<string, unknown>>): void => {
    if (level !== 'debug') told.push(`${level} ${message} ${String(details?.['line'])}`);
  };
  const { value, close } = await openJournal(settings, { clock, signal: new AbortController().signal, log }, files);
  return { journal: value, told, close };
}
