import type { Embedding, Tensor } from '../model.ts';

/** An embedding as JSON holds it. */
export type StoredEmbedding = Omit<Embedding, 'vector'> & { readonly vector: readonly number[] };

export const storedEmbeddings = (embeddings: readonly Embedding[]): readonly StoredEmbedding[] =>
  embeddings.map((one) => ({ ...one, vector: [...one.vector] }));

export const asEmbeddings = (embeddings: readonly StoredEmbedding[]): readonly Embedding[] =>
  embeddings.map((one) => ({ ...one, vector: Float32Array.from(one.vector) }));

/** A tensor as JSON holds it: numbers of 64 bits as text, since JSON's are no longer exact there. */
export type StoredTensor = Omit<Tensor, 'data'> & { readonly type: keyof typeof arrays; readonly data: readonly (number | string)[] };

const arrays = {
  texts: (data: readonly (number | string)[]): Tensor['data'] => data.map(String),
  float32: (data) => Float32Array.from(data, Number),
  float64: (data) => Float64Array.from(data, Number),
  int32: (data) => Int32Array.from(data, Number),
  int64: (data) => BigInt64Array.from(data, BigInt),
  uint8: (data) => Uint8Array.from(data, Number),
  int8: (data) => Int8Array.from(data, Number),
  int16: (data) => Int16Array.from(data, Number),
  uint16: (data) => Uint16Array.from(data, Number),
  uint32: (data) => Uint32Array.from(data, Number),
  uint64: (data) => BigUint64Array.from(data, BigInt),
} satisfies Record<string, (data: readonly (number | string)[]) => Tensor['data']>;

const names = {
  Float32Array: 'float32',
  Float64Array: 'float64',
  Int8Array: 'int8',
  Int16Array: 'int16',
  Int32Array: 'int32',
  BigInt64Array: 'int64',
  Uint8Array: 'uint8',
  Uint16Array: 'uint16',
  Uint32Array: 'uint32',
  BigUint64Array: 'uint64',
} as const satisfies Record<string, StoredTensor['type']>;

const typeOf = (data: Tensor['data']): StoredTensor['type'] => ('BYTES_PER_ELEMENT' in data ? names[data[Symbol.toStringTag]] : 'texts');

export const storedTensors = (tensors: readonly Tensor[]): readonly StoredTensor[] =>
  tensors.map((one) => ({
    ...one,
    type: typeOf(one.data),
    data: [...(one.data as Iterable<number | bigint | string>)].map((value) => (typeof value === 'bigint' ? String(value) : value)),
  }));

export const asTensors = (tensors: readonly StoredTensor[]): readonly Tensor[] =>
  tensors.map(({ name, shape, type, data }) => ({ name, shape, data: arrays[type](data) }));
