import { InferenceError } from '../../errors.ts';
import type { Ranked } from '../model.ts';

/** Best first; equals keep their order. @throws InferenceError `model_failed` unless there is a score for each document. */
export function ranked(scores: readonly number[], documents: number): readonly Ranked[] {
  if (scores.length !== documents || !scores.every(Number.isFinite))
    throw new InferenceError('model_failed', `expected ${String(documents)} scores, one per document, got ${String(scores.length)}`);
  return scores.map((score, index) => ({ index, score })).sort((a, b) => b.score - a.score);
}
