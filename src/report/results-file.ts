import { type FileHandle, open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { PipelineError } from '../errors.ts';
import { makeFolder } from '../make-folder.ts';
import { cannotWrite } from './cannot-write.ts';

/** As much is written at once, in bytes. */
const maxGroupBytes = 1024 * 1024;

/**
 * `results.jsonl`: a line for each answer of a complete run. While a run goes on, and after one that was interrupted, its lines are in `results.part.jsonl`, so nobody takes half of the answers, or
 * half a line, for all of them. Each run begins anew, since the journal has what is finished: one that goes on writes the answers of the one before it again, without a call. Holds the lines that
 * wait to be written: `pendingBytes`.
 */
export class ResultsFile {
  /** Where the lines are at present. */
  readonly path: string;
  readonly #wholePath: string;
  readonly #file: FileHandle;
  #waiting: string[] = [];
  #pendingBytes = 0;
  /** Where the last whole line ends. */
  #wholeBytes = 0;
  #writing: Promise<void> | undefined;
  #failure: PipelineError | undefined;
  readonly #onFailure: (error: PipelineError) => void;

  private constructor(folder: string, file: FileHandle, onFailure: (error: PipelineError) => void) {
    this.path = partIn(folder);
    this.#wholePath = join(folder, 'results.jsonl');
    this.#file = file;
    this.#onFailure = onFailure;
  }

  /** For who has the folder to itself. @throws PipelineError `resource_failed` where it cannot be made. */
  static async begin(folder: string, onFailure: (error: PipelineError) => void): Promise<ResultsFile> {
    const path = partIn(folder);
    try {
      await makeFolder(folder);
      return new ResultsFile(folder, await open(path, 'w'), onFailure);
    } catch (error) {
      throw cannotWrite(path, error);
    }
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** Resolves when what waits has been handed to the system, or cannot be. */
  async written(): Promise<void> {
    while (this.#writing) await this.#writing;
  }

  /** Takes a line; what fails later is told to `onFailure`, once. */
  push(value: unknown): void {
    if (this.#failure) return;
    const line = `${JSON.stringify(value)}\n`;
    this.#waiting.push(line);
    this.#pendingBytes += line.length;
    this.#writing ??= this.#write();
  }

  /** Resolves when all lines are on the disk, and closes the file. @throws PipelineError `resource_failed` when they could not be written. */
  async close(): Promise<void> {
    try {
      await this.written();
      if (this.#failure === undefined) await this.#file.sync();
    } catch (error) {
      this.#fail(error);
    } finally {
      await this.#file.close();
    }
    if (this.#failure) throw this.#failure;
  }

  /** Of a complete run, after `close`. Resolves with where the lines are from now on. @throws PipelineError `resource_failed` */
  async publish(): Promise<string> {
    try {
      await rename(this.path, this.#wholePath);
      return this.#wholePath;
    } catch (error) {
      throw cannotWrite(this.#wholePath, error);
    }
  }

  async #write(): Promise<void> {
    try {
      while (this.#waiting.length > 0 && this.#failure === undefined) await this.#writeGroup();
    } catch (error) {
      await this.#file.truncate(this.#wholeBytes).catch(() => undefined); // half a line is worse than none
      this.#fail(error);
    } finally {
      this.#writing = undefined;
    }
  }

  async #writeGroup(): Promise<void> {
    let size = 0;
    const count = this.#waiting.findIndex((line) => (size += line.length) > maxGroupBytes);
    const group = this.#waiting.splice(0, count === -1 ? this.#waiting.length : Math.max(1, count));
    const bytes = Buffer.from(group.join(''));
    let written = 0;
    while (written < bytes.length) written += (await this.#file.write(bytes, written, bytes.length - written)).bytesWritten;
    this.#wholeBytes += bytes.length;
    this.#pendingBytes -= group.reduce((sum, line) => sum + line.length, 0);
  }

  #fail(error: unknown): void {
    this.#waiting = [];
    this.#pendingBytes = 0;
    if (this.#failure) return;
    this.#failure = cannotWrite(this.path, error);
    this.#onFailure(this.#failure);
  }
}

const partIn = (folder: string): string => join(folder, 'results.part.jsonl');
