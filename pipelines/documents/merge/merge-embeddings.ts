import { InferenceError } from 'millrace';

/** A chunk's vector. */
export interface EmbeddingPart {
  readonly vector: readonly number[];
  /** What the vector stands for: its weight, above 0. */
  readonly tokens: number;
}

/**
 * The mean of vectors, weighted by their tokens, of length 1. Vectors that cancel each other out have no direction: then it is the vector with most tokens.
 * @throws InferenceError `answer_invalid` without vectors, and for vectors of different lengths or with anything but finite numbers.
 */
export function mergeEmbeddings(parts: readonly EmbeddingPart[]): readonly number[] {
  const [first] = parts;
  if (first === undefined) throw new InferenceError('answer_invalid', 'expected at least one vector, got none');
  const size = first.vector.length;
  const sum = new Float64Array(size);
  for (const { vector, tokens } of parts) {
    if (vector.length !== size)
      throw new InferenceError(
        'answer_invalid',
        `expected vectors of ${String(size)} numbers, got one of ${String(vector.length)}: one model must make all of a document`,
      );
    for (let at = 0; at < size; at += 1) sum[at] = (sum[at] ?? 0) + (vector[at] ?? 0) * tokens;
  }
  const heaviest = parts.reduce((best, one) => (one.tokens > best.tokens ? one : best));
  return unit([...sum]) ?? unit(heaviest.vector) ?? heaviest.vector;
}

/** Below this a sum is what rounding has left of vectors that cancel each other out. */
const nothing = 1e-12;

function unit(vector: readonly number[]): readonly number[] | undefined {
  const length = Math.hypot(...vector);
  if (!Number.isFinite(length)) throw new InferenceError('answer_invalid', 'expected a vector of finite numbers, got others');
  return length < nothing ? undefined : vector.map((one) => asSingle(one / length));
}

/** Models compute with single precision: nine digits are all that it has. */
const asSingle = (value: number): number => Number(Math.fround(value).toPrecision(9));
