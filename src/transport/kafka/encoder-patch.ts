/** kafkajs's `Encoder`: a buffer that grows, and how much of it is written. */
export interface EncoderInternals {
  buf: Buffer;
  offset: number;
  /** Ours: what was written before `buf`, not copied together yet. */
  before?: Buffer[];
  readonly buffer: Buffer;
  writeInt32: (this: EncoderInternals, value: number) => EncoderInternals;
  writeBytes: (this: EncoderInternals, value: unknown) => EncoderInternals;
  writeBufferInternal: (this: EncoderInternals, buffer: Buffer) => void;
  writeEncoder: (this: EncoderInternals, value: EncoderInternals) => EncoderInternals;
  size: (this: EncoderInternals) => number;
}

const largeBytes = 64 * 1024;
const tailBytes = 64; // behind a large piece there are few more

/**
 * kafkajs puts a request together from the inside out, and copies all of it at each of eight levels, into buffers that double: a record of 10 MB held up everything else for 60 ms.
 * Here large pieces are kept as they are, and copied where somebody asks for the bytes: for the checksum, the batch and the request. What is written must not be changed before the
 * request is sent; nothing of kafkajs's or ours does.
 */
export function patchEncoder(prototype: EncoderInternals): void {
  const { writeBufferInternal, writeEncoder, writeBytes } = prototype;
  prototype.writeBufferInternal = function (buffer) {
    if (buffer.length < largeBytes) writeBufferInternal.call(this, buffer);
    else append(this, [buffer]);
  };
  prototype.writeBytes = function (value) {
    if (!Buffer.isBuffer(value) || value.length < largeBytes) return writeBytes.call(this, value);
    append(this.writeInt32(value.length), [value]);
    return this;
  };
  prototype.writeEncoder = function (value) {
    if (value.before === undefined) return writeEncoder.call(this, value);
    append(this, [...value.before, written(value)]);
    return this;
  };
  prototype.size = function () {
    return this.offset + (this.before ?? []).reduce((sum, { length }) => sum + length, 0);
  };
  Object.defineProperty(prototype, 'buffer', {
    configurable: true,
    get(this: EncoderInternals): Buffer {
      if (this.before === undefined) return written(this);
      const [only, ...more] = this.before;
      if (only !== undefined && more.length === 0 && this.offset === 0) return only; // was put together before
      const whole = Buffer.concat([...this.before, written(this)]);
      Object.assign(this, { before: [whole], buf: Buffer.alloc(tailBytes), offset: 0 });
      return whole;
    },
  });
}

const written = ({ buf, offset }: EncoderInternals): Buffer => buf.subarray(0, offset);

function append(encoder: EncoderInternals, pieces: readonly Buffer[]): void {
  encoder.before = [...(encoder.before ?? []), written(encoder), ...pieces];
  encoder.buf = Buffer.alloc(tailBytes);
  encoder.offset = 0;
}
