import type OpenAI from 'openai';
import { InferenceError } from '../../errors.ts';
import { estimateTokens } from '../internal/estimate-tokens.ts';
import type { Embedding } from '../model.ts';

/**
 * In the order of the texts, which is the servers' own where they number all alike; the usage of all is shared out among them, so that it adds up.
 * @throws InferenceError `model_failed` where two have one number: a text would get the vector of another one; and where a vector is no list of numbers.
 */
export function readEmbeddings(reply: OpenAI.CreateEmbeddingResponse, texts: readonly string[], model: string): readonly Embedding[] {
  const given = (reply as Partial<OpenAI.CreateEmbeddingResponse>).usage;
  const total = typeof given?.prompt_tokens === 'number' ? given.prompt_tokens : texts.reduce((sum, text) => sum + estimateTokens(text), 0);
  const data = (reply as Partial<OpenAI.CreateEmbeddingResponse>).data ?? [];
  const numbers = new Set(data.map(({ index }) => index)).size;
  if (numbers > 1 && numbers < data.length)
    throw new InferenceError(
      'model_failed',
      `expected each of ${String(data.length)} texts' embeddings once, got ${String(numbers)} different ones by index`,
    );
  if (data.some(({ embedding }) => !Array.isArray(embedding) || embedding.some((one) => typeof one !== 'number')))
    throw new InferenceError(
      'model_failed',
      'expected each embedding as a list of numbers, got something else: does the server know "encoding_format": "float"?',
    );
  return data
    .toSorted((a, b) => a.index - b.index)
    .map(({ embedding }, n) => {
      const tokens = Math.floor(total / data.length) + (n < total % data.length ? 1 : 0);
      return {
        vector: Float32Array.from(embedding),
        usage: { inputTokens: tokens, cachedTokens: 0, outputTokens: 0, totalTokens: tokens },
        model: reply.model || model,
      };
    });
}
