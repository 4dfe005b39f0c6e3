/**
 * Reads what Kafka packs into as few bytes as it needs.
 * @throws RangeError at the end of the bytes (kafkajs reads zeros there, and cuts values short), and for longer numbers than there are
 */
export class PackedReader {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  /** Where the next byte is read. */
  get at(): number {
    return this.#at;
  }

  byte(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw new RangeError('record ends in its middle');
    this.#at += 1;
    return byte;
  }

  varint(): number {
    let raw = 0;
    let shift = 0;
    let byte: number;
    do {
      if (shift > 28) throw new RangeError('expected a number of at most five bytes');
      byte = this.byte();
      raw |= (byte & 127) << shift;
      shift += 7;
    } while (byte > 127);
    return (raw >>> 1) ^ -(raw & 1);
  }

  /** Exact up to ± 2^52. */
  varlong(): number {
    let raw = 0;
    let worth = 1;
    let byte: number;
    do {
      if (worth > 2 ** 63) throw new RangeError('expected a number of at most ten bytes');
      byte = this.byte();
      raw += (byte & 127) * worth;
      worth *= 128;
    } while (byte > 127);
    return raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2;
  }

  /** Null for a negative length. */
  bytes(): Buffer | null {
    const length = this.varint();
    if (length < 0) return null;
    if (this.#at + length > this.#bytes.length) throw new RangeError('record ends in its middle');
    const bytes = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return bytes;
  }
}

const zigzag = (value: number): number => (value >= 0 ? value * 2 : -value * 2 - 1);

/** Whole numbers up to ± 2^52; of what is none, 0 is written. */
export function sizeOfVarlong(value: number): number {
  let size = 1;
  for (let left = zigzag(value); left >= 128; left /= 128) size += 1;
  return size;
}

/** Writes at `at`, and says where the next byte goes. */
export function writeVarlong(bytes: Uint8Array, value: number, at: number): number {
  let left = zigzag(value);
  let next = at;
  for (; left >= 128; left = Math.floor(left / 128)) {
    bytes[next] = (left % 128) | 128;
    next += 1;
  }
  bytes[next] = left;
  return next + 1;
}
