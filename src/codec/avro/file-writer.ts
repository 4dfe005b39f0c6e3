import type { AvscType } from './avsc.ts';
import { longBytes, packed } from './file-blocks.ts';
import { headerBytes, type ReadHeader } from './file-header.ts';
import { encode } from './read-write.ts';

export interface WriteOptions {
  readonly type: AvscType;
  readonly header: ReadHeader;
  readonly blockBytes: number;
  readonly maxBlockBytes: number;
  readonly maxItems: number;
}

const mostValues = 100_000; // in a block: values of no bytes never fill one

/** Values into the bytes of a file. Holds a block: up to `blockBytes`, and the value that goes beyond them. */
export class FileWriter {
  readonly #options: WriteOptions;
  #values: Uint8Array[] = [];
  #bytes = 0;

  constructor(options: WriteOptions) {
    this.#options = options;
  }

  header(): Buffer {
    return headerBytes(this.#options.header);
  }

  /** The block that this value has filled, or undefined. @throws CodecError for a value that does not fit; what was before it stays */
  async add(value: unknown): Promise<Buffer | undefined> {
    const { type, maxBlockBytes: maxBytes, maxItems, blockBytes } = this.#options;
    const bytes = encode(type, value, { maxBytes, maxItems });
    const before = this.#bytes + bytes.length > maxBytes ? await this.end() : undefined;
    this.#values.push(bytes);
    this.#bytes += bytes.length;
    if (before || (this.#bytes < blockBytes && this.#values.length < mostValues)) return before;
    return this.end();
  }

  /** What is left as a block; undefined: nothing is. */
  async end(): Promise<Buffer | undefined> {
    const { header } = this.#options;
    const values = this.#values;
    if (values.length === 0) return undefined;
    this.#values = [];
    const bytes = await packed(header.codec, Buffer.concat(values, this.#bytes));
    this.#bytes = 0;
    return Buffer.concat([longBytes(values.length), longBytes(bytes.length), bytes, header.sync]);
  }

  async *bytesOf(values: AsyncIterable<unknown> | Iterable<unknown>): AsyncGenerator<Uint8Array, void> {
    yield this.header();
    try {
      for await (const value of values) {
        const block = await this.add(value);
        if (block) yield block;
      }
    } catch (error) {
      const begun = await this.end(); // what was given before the fault is written
      if (begun) yield begun;
      throw error;
    }
    const last = await this.end();
    if (last) yield last;
  }
}
