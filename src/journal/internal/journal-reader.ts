import { join } from 'node:path';
import { JournalError } from '../../errors.ts';
import { codeOfSystem, type JournalFile, type JournalFiles } from './files.ts';
import { journalTrouble } from './journal-trouble.ts';
import { KeyIndex, type KeyWords, type Place } from './key-index.state.ts';
import { checkLine, headLine, timeOf } from './line.ts';
import { scanLines } from './scan-lines.ts';
import { isJournalFile } from './slot.ts';

export interface JournalReaderOptions {
  readonly files: JournalFiles;
  readonly dir: string;
  readonly maxLineBytes: number;
  /** Told of each line that is not as it was written; its work is done again. */
  readonly onDamage: (file: string, line: number) => void;
}

interface ReadFile {
  readonly name: string;
  readonly number: number;
  /** Where the last whole line ends that was read. */
  readTo: number;
  lines: number;
  good: number;
  /** Of lines that later ones of the same file replace. */
  superseded: number;
  /** Which file it was: its writer may have put another in its place since. */
  identity: string | undefined;
}

interface Rival {
  readonly key: KeyWords;
  readonly place: Place;
  readonly time: string;
}

const unread = { readTo: 0, lines: 0, good: 0, superseded: 0 };
/** A file holds a number of 16 bits in the index. */
const mostFiles = 65_536;

/** All files of a folder: what their lines say goes into one index, where the last one of a key counts. */
export class JournalReader {
  readonly index = new KeyIndex();
  readonly #options: JournalReaderOptions;
  readonly #files: ReadFile[] = [];
  /** The writer's own, by number: what is written here is mostly read here. */
  readonly #open = new Map<number, JournalFile>();
  readonly #scratch: KeyWords = new Uint32Array(4);

  constructor(options: JournalReaderOptions) {
    this.#options = options;
  }

  get fileCount(): number {
    return this.#files.length;
  }

  /** The file of that name, which may not be there yet. */
  numberOf(name: string): number {
    return this.#fileOf(name).number;
  }

  /** Whether more than half of a file is lines that later ones of it replace, and all others are as they were written. */
  isMostlySuperseded(name: string): boolean {
    const { superseded, readTo, lines, good } = this.#fileOf(name);
    return superseded > readTo / 2 && lines === good;
  }

  /** Reads what has come to the files, `except` one, whose lines its writer knows. */
  async look(signal?: AbortSignal, except?: string): Promise<void> {
    const names = await this.#options.files.list(this.#options.dir).catch((error: unknown) => {
      throw journalTrouble('reading', this.#options.dir, error);
    });
    for (const name of names.filter((one) => isJournalFile(one) && one !== except).sort()) await this.readOn(name, signal);
  }

  /** @returns where the last whole line of the file ends. */
  async readOn(name: string, signal?: AbortSignal, opened?: JournalFile): Promise<number> {
    const { files, dir, maxLineBytes, onDamage } = this.#options;
    const one = this.#fileOf(name);
    const path = join(dir, name);
    const file = opened ?? (await opening(files, path));
    if (!file) return 0;
    if (opened) this.#open.set(one.number, opened);
    const rivals: Rival[] = [];
    try {
      const identity = await file.identity();
      if (identity !== one.identity) Object.assign(one, { identity, ...unread }); // what stands there was written anew: places in it are no longer true
      const seer = {
        line: (bytes: Buffer, start: number, end: number, offset: number): void => {
          one.lines += 1;
          this.#take(one, bytes, start, end, offset, rivals);
        },
        tooLong: (): void => {
          one.lines += 1;
          onDamage(name, one.lines);
        },
        settle: async (): Promise<void> => {
          for (const rival of rivals.splice(0)) await this.#settle(rival);
        },
      };
      one.readTo = await scanLines(file, one.readTo, maxLineBytes, seer, signal);
      if (one.readTo === 0 || one.good === 0) await refuseStranger(file, path, one.good === 0 && one.lines > 0);
    } catch (error) {
      throw journalTrouble('reading', path, error);
    } finally {
      if (!opened) await file.close();
    }
    return one.readTo;
  }

  /** The bytes of a line; undefined where they are gone. */
  async lineAt({ file, offset, bytes }: Place): Promise<Buffer | undefined> {
    const name = this.#files[file]?.name ?? '';
    const path = join(this.#options.dir, name);
    try {
      const opened = this.#open.get(file) ?? (await opening(this.#options.files, path));
      if (!opened) return undefined;
      try {
        const line = Buffer.allocUnsafe(bytes);
        for (let read = 0; read < bytes; ) {
          const more = await opened.read(line.subarray(read), offset + read);
          if (more === 0) return undefined;
          read += more;
        }
        return line;
      } finally {
        if (!this.#open.has(file)) await opened.close();
      }
    } catch (error) {
      throw journalTrouble('reading', path, error);
    }
  }

  nameOf({ file }: Place): string {
    return this.#files[file]?.name ?? '';
  }

  #take(one: ReadFile, bytes: Buffer, start: number, end: number, offset: number, rivals: Rival[]): void {
    if (offset === 0 && isHead(bytes, start, end)) {
      one.good += 1;
      return;
    }
    if (!checkLine(bytes, start, end, this.#scratch)) {
      this.#options.onDamage(one.name, one.lines);
      return;
    }
    one.good += 1;
    const place = { file: one.number, offset, bytes: end - start };
    const before = this.index.get(this.#scratch);
    if (before && before.file !== one.number) rivals.push({ key: this.#scratch.slice(), place, time: timeOf(bytes, start) });
    else {
      if (before) one.superseded += before.bytes + 1;
      this.index.put(this.#scratch, place);
    }
  }

  /** Two files hold a key: the line that was written later counts. */
  async #settle({ key, place, time }: Rival): Promise<void> {
    const before = this.index.get(key);
    const line = before && before.file !== place.file ? await this.lineAt(before) : undefined;
    const isOlder = line !== undefined && checkLine(line, 0, line.length, this.#scratch) && timeOf(line, 0) > time;
    if (!isOlder) this.index.put(key, place);
  }

  #fileOf(name: string): ReadFile {
    const known = this.#files.find((one) => one.name === name);
    if (known) return known;
    if (this.#files.length === mostFiles)
      throw new JournalError(
        'journal_failed',
        `the journal ${this.#options.dir} has more than ${String(mostFiles)} files: begin another one`,
      );
    const one: ReadFile = { name, number: this.#files.length, identity: undefined, ...unread };
    this.#files.push(one);
    return one;
  }
}

async function opening(files: JournalFiles, path: string): Promise<JournalFile | undefined> {
  try {
    return await files.open(path, 'read');
  } catch (error) {
    if (codeOfSystem(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function isHead(bytes: Buffer, start: number, end: number): boolean {
  if (bytes.subarray(start, end + 1).equals(headLine)) return true;
  const found = /^\{"format":"millrace-journal","version":(\d+)\}$/.exec(bytes.toString('latin1', start, Math.min(end, start + 100)));
  if (!found) return false;
  throw new JournalError(
    'journal_failed',
    `it is of version ${found[1] ?? ''}, this one reads version 1: use a newer Millrace, or another dir`,
  );
}

/** A file of which nothing was written by a journal must not be cut or written to: somebody's own stands under our name. */
async function refuseStranger(file: JournalFile, path: string, hasLines: boolean): Promise<void> {
  const first = Buffer.alloc(headLine.length);
  const read = await file.read(first, 0);
  if (!hasLines && headLine.subarray(0, read).equals(first.subarray(0, read))) return; // empty, or its first line is torn
  throw new JournalError('journal_failed', `${path} is no journal's: choose another dir, or move it away`);
}
