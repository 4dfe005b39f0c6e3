import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { JournalError } from '../../errors.ts';
import type { JournalFiles } from './files.ts';
import { mayRun, ownStamp, type ProcessStamp } from './processes.ts';

/** A writer's own file, which nobody else writes to until it lets go. */
export interface Slot {
  readonly file: string;
  release(): Promise<void>;
}

interface Holder extends ProcessStamp {
  readonly token: string;
  readonly exclusive: boolean;
}

const fileOf = (slot: number): string => `journal-${String(slot)}.jsonl`;
const lockOf = (slot: number): string => `journal-${String(slot)}.lock`;
export const isJournalFile = (name: string): boolean => /^journal-\d+\.jsonl$/.test(name);
const isLock = (name: string): boolean => /^journal-\d+\.lock$/.test(name);

/** More writers at a time than any folder has; a file's number must fit 16 bits. */
const mostSlots = 10_000;

/**
 * Takes the first file that no living process holds, or a new one. A lock names a process by id and start, so that one that was killed holds nothing: not even
 * when its id was given again. A lock of another machine counts as held, since nobody here can look: another file is taken then.
 *
 * A dead holder's lock is taken away under a guard, which one process at a time can make; without it, of two who saw the same dead lock the slower one would
 * take away the living lock of the faster. A guard that a kill leaves behind costs its slot, no more.
 * @throws JournalError `journal_in_use` where this one or another that runs wants the folder alone.
 */
export async function takeSlot(files: JournalFiles, dir: string, exclusive: boolean): Promise<Slot> {
  const holder: Holder = { ...ownStamp(), token: randomUUID(), exclusive };
  const text = JSON.stringify(holder);
  for (let slot = 0; slot < mostSlots; slot += 1) {
    const path = join(dir, lockOf(slot));
    if (!(await files.create(path, text)) && !(await takeOver(files, path, text))) continue;
    const release = async (): Promise<void> => {
      const now = parse(await files.readText(path));
      if (now?.token === holder.token) await files.remove(path);
    };
    try {
      await refuseOthers(files, dir, lockOf(slot), exclusive); // after ours is there: of two who start at once, one sees the other at least
    } catch (error) {
      await release();
      throw error;
    }
    return { file: fileOf(slot), release };
  }
  throw new JournalError(
    'journal_in_use',
    `${String(mostSlots)} writers hold the journal ${dir}: remove the locks (*.lock) of those that are gone`,
  );
}

async function takeOver(files: JournalFiles, path: string, text: string): Promise<boolean> {
  if (!(await isDead(files, path))) return false;
  const guard = `${path}.guard`;
  if (!(await files.create(guard, text))) return false;
  try {
    if (!(await isDead(files, path))) return false; // somebody was faster
    await files.remove(path);
    return await files.create(path, text);
  } finally {
    await files.remove(guard);
  }
}

/** Not one that is missing, or cannot be read: it may be being made. */
async function isDead(files: JournalFiles, path: string): Promise<boolean> {
  const holder = parse(await files.readText(path));
  return holder !== undefined && !mayRun(holder);
}

async function refuseOthers(files: JournalFiles, dir: string, own: string, exclusive: boolean): Promise<void> {
  for (const name of await files.list(dir)) {
    if (!isLock(name) || name === own) continue;
    const text = await files.readText(join(dir, name));
    const holder = parse(text);
    if (text === undefined || (holder && !mayRun(holder)) || !(exclusive || holder?.exclusive === true)) continue;
    const who = holder ? `process ${String(holder.pid)} on ${holder.host}` : 'somebody';
    const why = exclusive ? 'and this run wants it alone' : 'alone';
    throw new JournalError(
      'journal_in_use',
      `${who} works with the journal ${dir}, ${why}: wait for its end, or choose another dir; if it is gone, remove ${join(dir, name)}`,
    );
  }
}

function parse(text: string | undefined): Holder | undefined {
  try {
    const holder: unknown = JSON.parse(text ?? '');
    return typeof holder === 'object' && holder !== null && 'token' in holder && 'pid' in holder && 'host' in holder
      ? (holder as Holder)
      : undefined;
  } catch {
    return undefined;
  }
}
