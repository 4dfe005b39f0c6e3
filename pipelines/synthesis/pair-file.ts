import { constants, createReadStream } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { writeWhole } from 'millrace';
import type { PairLine } from './pair-line.ts';
import { cannotWrite } from './run-folder.ts';

/**
 * `synthesized_qa_….jsonl`: a line for each pair, appended as seeds complete. A line is one write to the file's end, and is taken back where it could not be written whole. What a kill has left of a line is taken away when the
 * file is opened again, and so is what nobody knows of. For who has the run to itself.
 */
export class PairFile {
  readonly path: string;
  #file: FileHandle | undefined;
  readonly #written: Set<string>;
  #bytes: number;
  #last: Promise<void> = Promise.resolve();

  private constructor(path: string, file: FileHandle, written: Set<string>, bytes: number) {
    this.path = path;
    this.#file = file;
    this.#written = written;
    this.#bytes = bytes;
  }

  /** @param isKnown whether a pair with this id is one of the run's. @throws PipelineError `resource_failed` */
  static async open(path: string, isKnown: (id: string) => boolean): Promise<PairFile> {
    try {
      const written = new Set<string>();
      await mend(path, (id) => id !== undefined && isKnown(id) && !written.has(id) && written.add(id).has(id));
      const file = await open(path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT);
      return new PairFile(path, file, written, (await file.stat()).size);
    } catch (error) {
      throw cannotWrite(path, error);
    }
  }

  has(id: string): boolean {
    return this.#written.has(id);
  }

  get ids(): readonly string[] {
    return [...this.#written];
  }

  /** Resolves when the lines are in the file; those that are there already are not written again. @throws PipelineError `resource_failed` */
  append(lines: readonly PairLine[]): Promise<void> {
    const fresh = lines.filter(({ pair_id: id }) => !this.#written.has(id));
    for (const { pair_id: id } of fresh) this.#written.add(id);
    const appended = this.#last.then(() => this.#write(fresh));
    this.#last = appended.catch(() => undefined);
    return appended;
  }

  /** Makes the file one of these lines, in this order. @throws PipelineError `resource_failed` */
  async rewrite(lines: AsyncIterable<PairLine>): Promise<void> {
    await this.#last;
    await this.close();
    try {
      await writeWhole(this.path, textsOf(lines));
    } catch (error) {
      throw cannotWrite(this.path, error);
    }
  }

  /** Resolves when all lines are on the disk. @throws PipelineError `resource_failed` */
  async close(): Promise<void> {
    await this.#last;
    const file = this.#file;
    this.#file = undefined;
    try {
      await file?.sync();
    } catch (error) {
      throw cannotWrite(this.path, error);
    } finally {
      await file?.close();
    }
  }

  async #write(lines: readonly PairLine[]): Promise<void> {
    const file = this.#file;
    if (file === undefined || lines.length === 0) return;
    try {
      for (const line of lines) {
        const bytes = Buffer.from(textOf(line));
        for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at)).bytesWritten;
        this.#bytes += bytes.length;
      }
    } catch (error) {
      await file.truncate(this.#bytes).catch(() => undefined); // half a line is worse than none
      throw cannotWrite(this.path, error);
    }
  }
}

/** Many readers refuse a whole file for one lone half of a surrogate pair, which models and tools do write. */
const wellFormed = (_: string, value: unknown): unknown => (typeof value === 'string' ? value.toWellFormed() : value);

/** Readers that take these two for ends of lines see whole lines, too. */
const textOf = (line: PairLine): string =>
  `${JSON.stringify(line, wellFormed).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')}\n`;

async function* textsOf(lines: AsyncIterable<PairLine>): AsyncGenerator<string, void, undefined> {
  for await (const line of lines) yield textOf(line);
}

/** Leaves the lines that are whole and kept: writes the file anew, where some are not. Holds its lines. */
async function mend(path: string, keeps: (id: string | undefined) => boolean): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined || found.size === 0) return;
  const kept: string[] = [];
  let bytes = 0;
  for await (const line of wholeLines(path)) {
    if (!keeps(idIn(line))) continue;
    kept.push(line);
    bytes += Buffer.byteLength(line) + 1;
  }
  if (bytes === found.size) return;
  await writeWhole(
    path,
    kept.map((line) => `${line}\n`),
  );
}

/** What stands before the last newline: what comes after it is half of something. */
async function* wholeLines(path: string): AsyncGenerator<string, void, undefined> {
  const newline = 0x0a;
  let rest: Buffer[] = [];
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    let from = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, from)) {
      yield Buffer.concat([...rest, chunk.subarray(from, end)]).toString('utf8');
      rest = [];
      from = end + 1;
    }
    rest.push(chunk.subarray(from));
  }
}

function idIn(line: string): string | undefined {
  try {
    const found: unknown = JSON.parse(line);
    const id: unknown = typeof found === 'object' && found !== null ? Reflect.get(found, 'pair_id') : undefined;
    return typeof id === 'string' ? id : undefined;
  } catch {
    return undefined; // what a kill has left
  }
}
