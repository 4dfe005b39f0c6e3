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
} satisfies Record<string, (data: readonly (number | string)[]) => Tensor['data']>;

function typeOf(data: Tensor['data']): StoredTensor['type'] {
  if (data instanceof Float32Array) return 'float32';
  if (data instanceof Float64Array) return 'float64';
  if (data instanceof Int32Array) return 'int32';
  if (data instanceof BigInt64Array) return 'int64';
  return data instanceof Uint8Array ? 'uint8' : 'texts';
}

export const storedTensors = (tensors: readonly Tensor[]): readonly StoredTensor[] =>
  tensors.map((one) => ({
    ...one,
    type: typeOf(one.data),
    data: [...(one.data as Iterable<number | bigint | string>)].map((value) => (typeof value === 'bigint' ? String(value) : value)),
  }));

export const asTensors = (tensors: readonly StoredTensor[]): readonly Tensor[] =>
  tensors.map(({ name, shape, type, data }) => ({ name, shape, data: arrays[type](data) }));
