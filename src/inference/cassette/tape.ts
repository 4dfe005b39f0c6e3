import { existsSync, readFileSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { withFileLock } from '../../artifacts/file-lock.ts';
import { systemClock } from '../../clock.ts';
import { makeFolder } from '../../make-folder.ts';
import { type Entry, type Header, linesOf, parseLines } from './entry.ts';

/**
 * What a cassette file holds. All that is recorded in one process with one file is one tape; several processes take turns at
 * the file, and each puts in what the others have not.
 */
export class Tape {
  readonly file: string;
  header: Header | undefined;
  readonly #entries = new Map<string, Entry>();
  #begun: Promise<void> | undefined;
  #saving: Promise<void> = Promise.resolve();
  #isSaving = false;
  #isStale = false;
  #hasRecorded = false;

  constructor(file: string) {
    this.file = file;
    const found = this.#read();
    this.header = found?.header;
    for (const entry of found?.entries ?? []) this.#entries.set(entry.key, entry);
  }

  /** The tape of a file in this process. */
  static of(file: string): Tape {
    const path = resolve(file);
    const tape = tapes.get(path) ?? new Tape(path);
    tapes.set(path, tape);
    return tape;
  }

  /**
   * Forgets what was recorded before, in the file, too: what is found there later comes from those who record now. What this
   * process has recorded stays.
   */
  beginAnew(): Promise<void> {
    if (this.#begun) return this.#begun;
    this.#entries.clear();
    this.#begun = existsSync(this.file) ? this.#locked(() => rm(this.file, { force: true })) : Promise.resolve();
    return this.#begun;
  }

  find(key: string): Entry | undefined {
    return this.#entries.get(key);
  }

  /** Keeps the first answer to a question, and writes the file soon. */
  keep(entry: Entry): void {
    if (this.#entries.has(entry.key)) return;
    this.#entries.set(entry.key, entry);
    this.#isStale = true;
    this.#hasRecorded = true;
    if (this.#isSaving) return;
    this.#saving = this.#save();
    this.#saving.catch(() => undefined); // told by saved()
  }

  /** Resolves when everything is in the file, also where another process has begun it anew meanwhile. */
  async saved(): Promise<void> {
    await this.#saving;
    if (!this.#hasRecorded) return;
    const found = new Set(this.#read()?.entries.map(({ key }) => key));
    if ([...this.#entries.keys()].every((key) => found.has(key))) return;
    this.#isStale = true;
    await this.#save();
  }

  async #save(): Promise<void> {
    this.#isSaving = true;
    try {
      while (this.#isStale && this.header) {
        this.#isStale = false;
        await this.#write(this.header);
      }
    } finally {
      this.#isSaving = false;
    }
  }

  async #write(header: Header): Promise<void> {
    await makeFolder(dirname(this.file));
    await this.#locked(async () => {
      const found = this.#read();
      if (found?.header.model === header.model)
        for (const entry of found.entries) if (!this.#entries.has(entry.key)) this.#entries.set(entry.key, entry);
      const beside = `${this.file}.part`; // one at a time writes it; what a killed one left is overwritten
      await writeFile(beside, linesOf(header, this.#entries.values()));
      await rename(beside, this.file); // whole or not at all
    });
  }

  /** Read at once, and not in real time beside a virtual one. */
  #read(): ReturnType<typeof parseLines> | undefined {
    return existsSync(this.file) ? parseLines(this.file, readFileSync(this.file, 'utf8')) : undefined;
  }

  #locked(body: () => Promise<void>): Promise<void> {
    return withFileLock(`${this.file}.lock`, { clock: systemClock }, body);
  }
}

const tapes = new Map<string, Tape>();
