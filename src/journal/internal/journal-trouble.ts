import { type ErrorCode, isAbortError, isStreamError, JournalError, messageOf } from '../../errors.ts';
import { codeOfSystem } from './files.ts';

const full: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT']);
const readOnly: ReadonlySet<string> = new Set(['EROFS', 'EACCES', 'EPERM']);

/** What the file system said, as an error of the journal that says what to do. Cancellations and errors of ours stay what they are. */
export function journalTrouble(doing: string, path: string, error: unknown): Error {
  if (isStreamError(error) || (error instanceof Error && isAbortError(error))) return error;
  const code = codeOfSystem(error);
  const [ours, remedy] = adviceFor(code);
  return new JournalError(ours, `${doing} the journal ${path}: ${code === '' ? messageOf(error) : code}; ${remedy}`, { cause: error });
}

function adviceFor(code: string): readonly [ErrorCode, string] {
  if (full.has(code))
    return ['journal_full', 'the disk, or what you may use of it, is full: make room and start again, what is finished is kept'];
  if (readOnly.has(code))
    return ['journal_read_only', 'it may not be written there: mount it writable or give the right to write, or choose another dir'];
  return ['journal_failed', 'what was finished before is kept; look at the disk (dmesg, its mount, its limits) and start again'];
}
