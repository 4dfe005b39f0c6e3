import type { CancelTimer, Clock } from '../../clock.ts';
import { JournalError } from '../../errors.ts';
import { Fifo } from '../../fifo.ts';
import type { JournalFile, JournalFiles } from './files.ts';
import { type GroupBounds, GroupState } from './group.state.ts';
import { journalTrouble } from './journal-trouble.ts';
import { headLine } from './line.ts';

export interface GroupWriterOptions extends GroupBounds {
  readonly clock: Clock;
  readonly files: JournalFiles;
  readonly dir: string;
  readonly path: string;
  readonly file: JournalFile;
  /** Where the file's last whole line ends. */
  readonly end: number;
}

interface Append {
  readonly line: Buffer;
  readonly done: (offset: number) => void;
  readonly failed: (error: unknown) => void;
}

/**
 * Appends lines to a file of its own, many with one `fsync`. A group that could not be written is cut off again; where that fails too, or the disk took back what it had
 * taken, nothing is written to the file any more: what the system then holds of it, nobody knows.
 */
export class GroupWriter {
  readonly counts = { appends: 0, syncs: 0, bytes: 0 };
  readonly #options: GroupWriterOptions;
  readonly #state: GroupState;
  readonly #waiting = new Fifo<Append>();
  readonly #forRoom = new Fifo<() => void>();
  #end: number;
  #cancelTimer: CancelTimer | undefined;
  #refusal: Error | undefined;
  #idle: (() => void) | undefined;
  #isBroken = false;

  constructor(options: GroupWriterOptions) {
    this.#options = options;
    this.#state = new GroupState(options);
    this.#end = options.end;
  }

  get waiting(): number {
    return this.#state.waiting + this.#forRoom.size;
  }

  /** Of the file, as far as it is on the disk. */
  get bytes(): number {
    return this.#end;
  }

  /** @returns where the line begins, when it is on the disk. */
  async append(line: Buffer): Promise<number> {
    while (!this.#state.hasRoom && !this.#refusal)
      await new Promise<void>((resolve) => {
        this.#forRoom.push(resolve);
      });
    if (this.#refusal) throw this.#refusal;
    return new Promise<number>((done, failed) => {
      this.#waiting.push({ line, done, failed });
      this.#state.add(line.length, this.#options.clock.nowMs());
      this.#arm();
    });
  }

  /** Refuses what comes, and resolves when all that has come is written. */
  async close(): Promise<void> {
    this.#refusal ??= new JournalError('journal_failed', `the journal ${this.#options.path} is closed: append while its pipeline runs`);
    for (const resolve of this.#forRoom.drain()) resolve();
    this.#state.hurry();
    this.#arm();
    if (this.#state.waiting > 0 || this.#state.isWriting)
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    await this.#options.file.close();
  }

  #arm(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const dueMs = this.#state.dueMs();
    if (dueMs === undefined) {
      if (!this.#state.isWriting) this.#idle?.();
      return;
    }
    const waitMs = dueMs - this.#options.clock.nowMs();
    if (waitMs <= 0) void this.#write();
    else
      this.#cancelTimer = this.#options.clock.schedule(waitMs, () => {
        this.#arm();
      });
  }

  async #write(): Promise<void> {
    const count = this.#state.begin();
    const group = Array.from({ length: count }, () => this.#waiting.shift() as Append);
    const head = this.#end === 0 ? [headLine] : [];
    let offset = this.#end + (head[0]?.length ?? 0);
    try {
      const bytes = Buffer.concat([...head, ...group.map(({ line }) => line)]);
      await this.#put(bytes);
      for (const { line, done } of group) {
        done(offset);
        offset += line.length;
      }
      this.counts.appends += count;
      this.counts.bytes += bytes.length;
    } catch (error) {
      for (const { failed } of group) failed(error);
    }
    this.#state.end(this.#options.clock.nowMs());
    for (const resolve of this.#forRoom.drain()) resolve();
    this.#arm();
  }

  async #put(bytes: Buffer): Promise<void> {
    const { file, files, path, dir } = this.#options;
    if (this.#refusal && this.#isBroken) throw this.#refusal;
    const isNew = this.#end === 0;
    try {
      for (let at = 0; at < bytes.length; ) {
        const written = await file.write(bytes.subarray(at), this.#end + at);
        if (written === 0) throw Object.assign(new Error('nothing was written'), { code: 'ENOSPC' });
        at += written;
      }
    } catch (error) {
      const trouble = journalTrouble('writing', path, error);
      await this.#cut(trouble);
      throw trouble;
    }
    try {
      await file.sync();
      if (isNew) await files.syncFolder(dir); // or the file's name could be gone with the power
    } catch (error) {
      const trouble = journalTrouble('syncing', path, error);
      await this.#cut(trouble);
      this.#break(trouble); // the system may have thrown away what it could not write, and says so only once
      throw trouble;
    }
    this.counts.syncs += 1;
    this.#end += bytes.length;
  }

  #break(trouble: Error): void {
    this.#isBroken = true;
    this.#refusal = trouble;
  }

  /** What was half written must not be read as whole. */
  async #cut(trouble: Error): Promise<void> {
    try {
      await this.#options.file.truncate(this.#end);
      await this.#options.file.sync();
    } catch {
      this.#break(trouble);
    }
  }
}
