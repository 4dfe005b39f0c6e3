import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { messageOf, OptionError } from '../errors.ts';
import type { TaskEnd } from './task-end.state.ts';

const mostWaitingBytes = 16 * 2 ** 20;

/** A JSON line a task. Holds 16 MiB for a slow disk; lines above are lost, and counted: to wait would change what is measured. */
export class TaskLog {
  readonly #file: WriteStream;
  #failure: Error | undefined;
  #closing: Promise<void> | undefined;
  lost = 0;

  /** What lines were lost by. */
  get lostBy(): string {
    return this.#failure === undefined ? 'the disk was slower than the tasks' : messageOf(this.#failure);
  }

  static async open(path: string): Promise<TaskLog> {
    const file = createWriteStream(path);
    try {
      await once(file, 'open');
    } catch (error) {
      throw new OptionError(`cannot write the log of tasks to ${path}: ${messageOf(error)}`, { cause: error });
    }
    return new TaskLog(file);
  }

  private constructor(file: WriteStream) {
    this.#file = file;
    file.on('error', (error) => {
      this.#failure = error;
    });
  }

  /** Times are in ms from the start of the measured part. */
  write(
    { number, queue, user, dueMs, sentMs, firstMs, endMs, failure, events, chunks, tokens, countedBy }: TaskEnd,
    startedMs: number,
  ): void {
    if (this.#failure !== undefined || this.#file.writableLength > mostWaitingBytes) {
      this.lost += 1;
      return;
    }
    const from = (atMs: number | undefined): number | undefined =>
      atMs === undefined ? undefined : Math.round((atMs - startedMs) * 1_000) / 1_000;
    const row = {
      ...{ queue, number, user: user ?? null, due: from(dueMs), start: from(sentMs), first: from(firstMs) ?? null, end: from(endMs) },
      ...{ events, chunks, tokens, countedBy, cause: failure?.cause ?? null, ...(failure ? { message: failure.message } : {}) },
    };
    this.#file.write(`${JSON.stringify(row)}\n`, (error) => {
      if (error) this.lost += 1; // those that waited when the disk was full, too
    });
  }

  close(): Promise<void> {
    return (this.#closing ??= new Promise((resolve) => {
      if (this.#file.closed) resolve();
      else this.#file.once('close', () => resolve()); // after it nothing is lost any more that is not counted
      if (this.#failure === undefined) this.#file.end();
    }));
  }
}
