import type { FileHandle } from 'node:fs/promises';
import { damaged } from './damaged.ts';

const chunkBytes = 1 << 20;

/**
 * Reads a file from its beginning, number by number, with nothing beyond a cap. Only {@link ensure} waits for the disk, so that a million
 * small values do not cost a million promises. Holds 1 MiB, or one value where that is longer.
 *
 * @throws InferenceError `model_damaged` where the file or the cap ends in the midst of a value.
 */
export class ByteReader {
  readonly #file: FileHandle;
  readonly #end: number;
  readonly #cap: number;
  #chunk: DataView = new DataView(new ArrayBuffer(0));
  /** Of the chunk, in the file. */
  #start = 0;
  #at = 0;

  /** `fileBytes`: the file's size; `cap`: no header is longer. */
  constructor(file: FileHandle, fileBytes: number, cap: number) {
    this.#file = file;
    this.#cap = cap;
    this.#end = Math.min(fileBytes, cap);
  }

  /** Of the next value, in the file. */
  get position(): number {
    return this.#at;
  }

  /** How much there is yet. */
  get left(): number {
    return this.#end - this.#at;
  }

  /** Makes the next so many bytes readable. */
  async ensure(bytes: number): Promise<void> {
    if (this.#at + bytes <= this.#start + this.#chunk.byteLength) return;
    if (bytes > this.left) {
      const why = this.#end === this.#cap ? `its header is longer than ${String(this.#cap)} bytes` : 'it is cut off in its header';
      throw damaged(`${why}, at byte ${String(this.#at)}`);
    }
    const wanted = Math.min(Math.max(bytes, chunkBytes), this.left);
    const buffer = Buffer.alloc(wanted);
    let filled = 0;
    while (filled < wanted) {
      const { bytesRead } = await this.#file.read(buffer, filled, wanted - filled, this.#at + filled);
      if (bytesRead === 0) throw damaged(`it became shorter while it was read, at byte ${String(this.#at + filled)}`);
      filled += bytesRead;
    }
    this.#chunk = new DataView(buffer.buffer, buffer.byteOffset, wanted);
    this.#start = this.#at;
  }

  /** Whether so many bytes can be read without waiting. */
  has(bytes: number): boolean {
    return this.#at + bytes <= this.#start + this.#chunk.byteLength;
  }

  /** Passes over bytes without reading them. */
  skip(bytes: number): void {
    if (bytes > this.left) throw damaged(`it is cut off in its header: ${String(bytes)} bytes more at byte ${String(this.#at)}`);
    this.#at += bytes;
  }

  u16(): number {
    return this.#view(2).getUint16(0, true);
  }

  u32(): number {
    return this.#view(4).getUint32(0, true);
  }

  /** @throws for what no number holds exactly: nothing in a file is that large. */
  u64(what: string): number {
    const value = this.#view(8).getBigUint64(0, true);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw damaged(`${what} is ${String(value)}, at byte ${String(this.#at - 8)}`);
    return Number(value);
  }

  bytes(length: number): Uint8Array {
    const { buffer, byteOffset } = this.#view(length);
    return new Uint8Array(buffer, byteOffset, length);
  }

  #view(length: number): DataView {
    if (!this.has(length)) throw new RangeError(`expected ${String(length)} bytes at hand: call ensure() first`);
    const view = new DataView(this.#chunk.buffer, this.#chunk.byteOffset + this.#at - this.#start, length);
    this.#at += length;
    return view;
  }
}
