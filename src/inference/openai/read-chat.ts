import type { ChatCompletionChunk } from 'openai/resources/chat/completions';
import type { CompletionUsage } from 'openai/resources/completions';
import { InferenceError } from '../../errors.ts';
import type { ChatChunk, FinishReason, Usage } from '../model.ts';

/** What servers say instead of `stop`; unknown words mean that the model ended. */
const finishReasons: Readonly<Record<string, FinishReason>> = {
  length: 'length',
  max_tokens: 'length',
  content_filter: 'refused',
  refusal: 'refused',
};

/** Our usage for theirs; undefined where a server sent none, or nothing that can be counted. */
export function usageFrom(given: Partial<CompletionUsage> | null | undefined): Usage | undefined {
  if (typeof given?.prompt_tokens !== 'number') return undefined;
  const { prompt_tokens: inputTokens, completion_tokens: outputTokens = 0 } = given;
  return {
    inputTokens,
    cachedTokens: given.prompt_tokens_details?.cached_tokens ?? 0,
    outputTokens,
    totalTokens: inputTokens + outputTokens,
  };
}

/**
 * Reads a stream of chunks into ours: texts as they come, then one last piece with usage, finish reason and model.
 * Holds the length of what came, not the text; `estimate` counts where the server does not.
 * @throws InferenceError `model_failed` when the stream ends without a finish reason: it was cut.
 */
export async function* readChat(
  stream: AsyncIterable<ChatCompletionChunk>,
  estimate: (pieces: number, chars: number) => Usage,
): AsyncGenerator<ChatChunk> {
  let index = 0;
  let chars = 0;
  let usage: Usage | undefined;
  let model: string | undefined;
  let finishReason: FinishReason | undefined;
  for await (const chunk of stream) {
    usage = usageFrom(chunk.usage) ?? usage; // some send it in every chunk, growing
    model = chunk.model || model;
    // servers leave the list out, or empty, in the chunk that carries usage
    const choice = (chunk.choices as ChatCompletionChunk['choices'] | undefined)?.[0];
    if (choice === undefined) continue;
    const delta = choice.delta as ChatCompletionChunk.Choice.Delta | undefined;
    const text = delta?.content ?? delta?.refusal ?? '';
    if (typeof delta?.refusal === 'string' && delta.refusal !== '') finishReason = 'refused';
    if (typeof choice.finish_reason === 'string') finishReason ??= finishReasons[choice.finish_reason] ?? 'stop';
    if (text === '') continue;
    yield { text, index };
    index += 1;
    chars += text.length;
  }
  if (finishReason === undefined)
    throw new InferenceError(
      'model_failed',
      `expected a finish reason at the end of the answer, got the end of the stream after ${String(chars)} characters`,
    );
  yield { text: '', index, usage: usage ?? estimate(index, chars), finishReason, ...(model === undefined ? {} : { model }) };
}
