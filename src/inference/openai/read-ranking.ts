import { InferenceError } from '../../errors.ts';
import type { Usage } from '../model.ts';
import { countOf } from './read-chat.ts';

/**
 * Scores in the order of the documents, and usage where it is told, of whichever form a server writes: `{ results: [{ index,
 * relevance_score }] }` (Jina, Cohere, vLLM, llama-server) or `[{ index, score }]` (TEI, SGLang). Servers sort; only `index` counts.
 * @throws InferenceError `model_failed` unless each document has one score.
 */
export function readRanking(reply: unknown, documents: number): { readonly scores: readonly number[]; readonly usage: Usage | undefined } {
  const results = Array.isArray(reply) ? reply : isRecord(reply) && Array.isArray(reply['results']) ? reply['results'] : [];
  const byIndex = new Map<number, number>();
  for (const result of results.filter(isRecord)) {
    const { index, score, relevance_score: value = score } = result;
    if (typeof index === 'number' && typeof value === 'number' && Number.isFinite(value)) byIndex.set(index, value);
  }
  const scores = Array.from({ length: documents }, (_, index) => byIndex.get(index));
  if (results.length !== documents || !scores.every((score) => score !== undefined))
    throw new InferenceError(
      'model_failed',
      `expected one score for each of ${String(documents)} documents, got ${String(results.length)}; does the server rank with this model?`,
    );
  return { scores, usage: isRecord(reply) ? usageOf(reply['usage']) : undefined };
}

function usageOf(given: unknown): Usage | undefined {
  if (!isRecord(given)) return undefined;
  const { total_tokens: total, prompt_tokens: prompt = total } = given;
  const tokens = countOf(prompt);
  if (tokens === undefined || tokens === 0) return undefined; // some write 0 for "not counted"
  return { inputTokens: tokens, cachedTokens: 0, outputTokens: 0, totalTokens: tokens };
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null;
