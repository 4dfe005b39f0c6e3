import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { type Entry, type Header, linesOf, parseLines } from './entry.ts';

/** What a cassette file holds. All that is recorded in one process with one file is one tape. */
export class Tape {
  readonly file: string;
  header: Header | undefined;
  readonly #entries = new Map<string, Entry>();
  #isFresh = false;
  #saving: Promise<void> | undefined;
  #isStale = false;

  constructor(file: string) {
    this.file = file;
    if (!existsSync(file)) return;
    // read at once, and not in real time beside a virtual one
    const { header, entries } = parseLines(file, readFileSync(file, 'utf8'));
    this.header = header;
    for (const entry of entries) this.#entries.set(entry.key, entry);
  }

  /** The tape of a file in this process. */
  static of(file: string): Tape {
    const path = resolve(file);
    const tape = tapes.get(path) ?? new Tape(path);
    tapes.set(path, tape);
    return tape;
  }

  /** Forgets what an earlier process has recorded; what this one has, stays. */
  beginAnew(): void {
    if (this.#isFresh) return;
    this.#isFresh = true;
    this.#entries.clear();
  }

  find(key: string): Entry | undefined {
    return this.#entries.get(key);
  }

  /** Keeps the first answer to a question, and writes the file soon. */
  keep(entry: Entry): void {
    if (this.#entries.has(entry.key)) return;
    this.#entries.set(entry.key, entry);
    this.#isStale = true;
    this.#saving ??= this.#save();
  }

  /** Resolves when everything is in the file. */
  async saved(): Promise<void> {
    await this.#saving;
  }

  async #save(): Promise<void> {
    try {
      while (this.#isStale && this.header) {
        this.#isStale = false;
        await mkdir(dirname(this.file), { recursive: true });
        const beside = `${this.file}.${String(process.pid)}.part`;
        await writeFile(beside, linesOf(this.header, this.#entries.values()));
        await rename(beside, this.file); // whole or not at all
      }
    } finally {
      this.#saving = undefined;
    }
  }
}

const tapes = new Map<string, Tape>();
