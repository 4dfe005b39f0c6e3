import { OptionError } from '../../errors.ts';

/** The bytes of a stream, looked at before they are taken. Holds what was asked for, and one chunk. */
export class ByteSource {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #held: Buffer = Buffer.alloc(0);
  #at = 0;
  #hasEnded = false;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#chunks = source[Symbol.asyncIterator]();
  }

  /** How many bytes of the stream were taken. */
  get at(): number {
    return this.#at;
  }

  /** All that is here. Good until the next call. */
  get held(): Buffer {
    return this.#held;
  }

  /** Whether there are so many more bytes: waits for them, or for the end. */
  async fill(bytes: number): Promise<boolean> {
    if (this.#held.length >= bytes) return true;
    const parts: Uint8Array[] = [this.#held]; // put together once, however small the chunks are
    let length = this.#held.length;
    while (length < bytes && !this.#hasEnded) {
      const next = await this.#chunks.next();
      if (next.done === true) this.#hasEnded = true;
      else {
        requireBytes(next.value);
        parts.push(next.value);
        length += next.value.length;
      }
    }
    this.#held = Buffer.concat(parts, length);
    return length >= bytes;
  }

  skip(bytes: number): void {
    this.#held = this.#held.subarray(bytes);
    this.#at += bytes;
  }

  /** To behind the next occurrence; false: there is none, and nothing is left. */
  async skipPast(marker: Buffer): Promise<boolean> {
    for (;;) {
      const found = this.#held.indexOf(marker);
      if (found >= 0) {
        this.skip(found + marker.length);
        return true;
      }
      this.skip(Math.max(0, this.#held.length - marker.length + 1)); // the rest may be its beginning
      if (await this.fill(this.#held.length + 1)) continue;
      this.skip(this.#held.length);
      return false;
    }
  }

  /** Tells the stream that nobody reads on. */
  async close(): Promise<void> {
    if (!this.#hasEnded) await this.#chunks.return?.();
    this.#hasEnded = true;
    this.#held = Buffer.alloc(0);
  }
}

function requireBytes(chunk: unknown): void {
  if (!(chunk instanceof Uint8Array))
    throw new OptionError(`an Avro file is read from chunks of bytes, got one of type ${typeof chunk}: set no encoding`);
}
