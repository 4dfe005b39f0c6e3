import { endianness } from 'node:os';
import type { TensorData } from '../model.ts';
import { bfloatOf, floatOfBfloat, floatOfHalf, halfOf } from './half-float.ts';

/** The kinds of values of the protocol. */
export type DataType = keyof typeof dataTypes | 'BYTES';

type Numbers = Exclude<TensorData, readonly string[]>;

interface NumberType {
  readonly bytes: number;
  /** Values of this kind, given as numbers or bigints; a value that would become another one is its index, as the error. */
  readonly from: (values: Numbers) => Numbers | { readonly badAt: number };
  /** As they go over the wire, little-endian. */
  readonly write: (values: Numbers) => Buffer;
  readonly read: (bytes: Buffer) => Numbers;
}

type Constructor = { readonly BYTES_PER_ELEMENT: number } & (new (buffer: ArrayBuffer) => Numbers) & (new (length: number) => Numbers);

const of = (make: unknown): Constructor => make as Constructor;

const swap = {
  1: (bytes: Buffer) => bytes,
  2: (bytes: Buffer) => bytes.swap16(),
  4: (bytes: Buffer) => bytes.swap32(),
  8: (bytes: Buffer) => bytes.swap64(),
};

/** Of the machine's order, from or into that of the wire. Changes `bytes`. */
const inOrder = (bytes: Buffer, size: number): Buffer => (endianness() === 'LE' ? bytes : swap[size as keyof typeof swap](bytes));

const bytesOf = (values: Numbers): Buffer => Buffer.from(values.buffer, values.byteOffset, values.byteLength);

/** A copy that begins where typed arrays may begin. */
const aligned = (bytes: Buffer): ArrayBuffer => new Uint8Array(bytes).buffer;

function whole(make: Constructor, isTruth = false): NumberType {
  const isBig = make.BYTES_PER_ELEMENT === 8;
  const from = (values: Numbers): Numbers | { readonly badAt: number } => {
    if (values instanceof make && !isTruth) return values;
    const made = new make(values.length);
    for (let at = 0; at < values.length; at += 1) {
      const value = values[at] ?? 0;
      if (typeof value === 'number' && !Number.isInteger(value)) return { badAt: at };
      made[at] = isBig ? BigInt(value) : Number(value);
      // a bigint equals the number of the same value: what was cut off is seen
      if (made[at] != value || (isTruth && value > 1)) return { badAt: at }; // eslint-disable-line eqeqeq -- bigint against number
    }
    return made;
  };
  return { ...plain(make), from };
}

function floating(make: Constructor): NumberType {
  const from = (values: Numbers): Numbers => {
    if (values instanceof make) return values;
    const made = new make(values.length);
    for (let at = 0; at < values.length; at += 1) made[at] = Number(values[at]);
    return made;
  };
  return { ...plain(make), from };
}

const plain = (make: Constructor): Pick<NumberType, 'bytes' | 'write' | 'read'> => ({
  bytes: make.BYTES_PER_ELEMENT,
  write: (values) => (endianness() === 'LE' ? bytesOf(values) : inOrder(Buffer.from(bytesOf(values)), make.BYTES_PER_ELEMENT)),
  read: (bytes) => new make(aligned(inOrder(bytes, make.BYTES_PER_ELEMENT))),
});

function half(toBits: (value: number) => number, ofBits: (bits: number) => number): NumberType {
  return {
    ...floating(of(Float32Array)),
    bytes: 2,
    write: (values) => {
      const bytes = Buffer.allocUnsafe(2 * values.length);
      for (let at = 0; at < values.length; at += 1) bytes.writeUInt16LE(toBits(Number(values[at])), 2 * at);
      return bytes;
    },
    read: (bytes) => Float32Array.from({ length: bytes.length / 2 }, (_, at) => ofBits(bytes.readUInt16LE(2 * at))),
  };
}

/** All but BYTES, which has no size of its own. */
export const dataTypes = {
  BOOL: whole(of(Uint8Array), true),
  UINT8: whole(of(Uint8Array)),
  UINT16: whole(of(Uint16Array)),
  UINT32: whole(of(Uint32Array)),
  UINT64: whole(of(BigUint64Array)),
  INT8: whole(of(Int8Array)),
  INT16: whole(of(Int16Array)),
  INT32: whole(of(Int32Array)),
  INT64: whole(of(BigInt64Array)),
  FP16: half(halfOf, floatOfHalf),
  BF16: half(bfloatOf, floatOfBfloat),
  FP32: floating(of(Float32Array)),
  FP64: floating(of(Float64Array)),
} satisfies Record<string, NumberType>;

export const isDataType = (name: unknown): name is DataType =>
  typeof name === 'string' && (name === 'BYTES' || Object.hasOwn(dataTypes, name));

const own = {
  Float32Array: 'FP32',
  Float64Array: 'FP64',
  Int8Array: 'INT8',
  Int16Array: 'INT16',
  Int32Array: 'INT32',
  BigInt64Array: 'INT64',
  Uint8Array: 'UINT8',
  Uint16Array: 'UINT16',
  Uint32Array: 'UINT32',
  BigUint64Array: 'UINT64',
} as const satisfies Record<string, DataType>;

/** What data is where the model does not say what it takes. */
export const dataTypeOf = (data: TensorData): DataType => ('BYTES_PER_ELEMENT' in data ? own[data[Symbol.toStringTag]] : 'BYTES');

export const isText = (data: TensorData): data is readonly string[] => !('BYTES_PER_ELEMENT' in data);
