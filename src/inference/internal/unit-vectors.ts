import { InferenceError } from '../../errors.ts';
import type { Embedding } from '../model.ts';

/** The embeddings brought to length 1, so that a dot product is a similarity. @throws InferenceError `model_failed` unless there is a usable one per text. */
export function unitVectors(embeddings: readonly Embedding[], texts: number): readonly Embedding[] {
  if (embeddings.length !== texts) {
    throw new InferenceError('model_failed', `expected ${String(texts)} embeddings, one per text, got ${String(embeddings.length)}`);
  }
  const dimensions = embeddings[0]?.vector.length ?? 0;
  return embeddings.map((embedding) => {
    const { vector } = embedding;
    const length = Math.sqrt(vector.reduce((sum, one) => sum + one * one, 0));
    if (vector.length !== dimensions || !Number.isFinite(length) || length === 0) {
      throw new InferenceError(
        'model_failed',
        `expected vectors of ${String(dimensions)} finite numbers that are not all 0, got ${String(vector.length)} of length ${String(length)}`,
      );
    }
    return { ...embedding, vector: vector.map((one) => one / length) };
  });
}
