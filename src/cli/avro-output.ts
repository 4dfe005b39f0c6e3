import { type FileHandle, open, stat } from 'node:fs/promises';
import type { CancelTimer, Clock } from '../clock.ts';
import type { AvroSchema } from '../codec/avro/avro-schema.ts';
import { compileSchema } from '../codec/avro/compile-schema.ts';
import { resolveFileOptions } from '../codec/avro/file-options.ts';
import { FileWriter } from '../codec/avro/file-writer.ts';
import { messageOf, OptionError } from '../errors.ts';

/** Longest that a value waits for others to fill its block. */
const flushMs = 1_000;

/**
 * An Avro file that is written while its values come. Each block is written as a whole, when it has 64 KiB or its first value is a second old: whoever kills the
 * process loses the values of the last second, and what is on disk can be read up to its last whole block.
 */
export class AvroOutput {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #writer: FileWriter;
  readonly #clock: Clock;
  /** One at a time: a timer may come between a value and its block. */
  #last: Promise<void> = Promise.resolve();
  #cancel: CancelTimer | undefined;
  #error: Error | undefined;
  #isClosed = false;

  private constructor(path: string, file: FileHandle, writer: FileWriter, clock: Clock) {
    this.#path = path;
    this.#file = file;
    this.#writer = writer;
    this.#clock = clock;
  }

  /** Begins the file. @throws OptionError for a file that has something in it already or cannot be written, and for what is no schema */
  static async open(path: string, schema: AvroSchema, clock: Clock): Promise<AvroOutput> {
    const { codec, metadata, newSync, ...bounds } = resolveFileOptions({ schema });
    const type = compileSchema(schema, 'the schema of --out');
    const writer = new FileWriter({ ...bounds, type, header: { schema, codec, metadata, sync: newSync() } });
    await requireNothingIn(path);
    const file = await open(path, 'w').catch((error: unknown) => {
      throw unwritable(path, error);
    });
    const output = new AvroOutput(path, file, writer, clock);
    await output.#write(writer.header());
    return output;
  }

  /** @throws CodecError for a value that does not fit, of which nothing is written; OptionError when the file takes no more, also of what was added before */
  async add(value: unknown): Promise<void> {
    if (this.#error) throw this.#error;
    if (this.#isClosed) throw new OptionError(`${this.#path} is closed`);
    await this.#alone(async () => {
      const block = await this.#writer.add(value);
      if (block) await this.#write(block);
      this.#cancel ??= this.#clock.schedule(flushMs, () => {
        this.#cancel = undefined;
        this.#alone(() => this.#flush()).catch(() => undefined); // told with the next value, or at the end
      });
    });
  }

  /** Writes what is left. Idempotent. @throws OptionError when what was added could not be written */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancel?.();
    try {
      await this.#alone(async () => {
        if (!this.#error) await this.#flush();
      });
      if (this.#error) throw this.#error;
    } finally {
      await this.#file.close();
    }
  }

  async #flush(): Promise<void> {
    const block = await this.#writer.end();
    if (block) await this.#write(block);
  }

  async #write(bytes: Uint8Array): Promise<void> {
    try {
      await this.#file.writeFile(bytes); // goes on where the last one ended
    } catch (error) {
      this.#error = unwritable(this.#path, error);
      throw this.#error;
    }
  }

  #alone(work: () => Promise<void>): Promise<void> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }
}

/** Not for pipes and the like. @throws OptionError */
async function requireNothingIn(path: string): Promise<void> {
  const there = await stat(path).catch(() => undefined);
  if (there?.isFile() === true && there.size > 0)
    throw new OptionError(`${path} has ${String(there.size)} bytes in it, which would be lost: name another file, or remove it`);
}

const unwritable = (path: string, error: unknown): OptionError =>
  new OptionError(`${path} cannot be written: ${messageOf(error)}`, { cause: error });
