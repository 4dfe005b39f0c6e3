import type { ChatCompletionChunk } from 'openai/resources/chat/completions';
import type { Completion, CompletionChoice, CompletionUsage } from 'openai/resources/completions';
import { InferenceError } from '../../errors.ts';
import type { ChatChunk, FinishReason, TokenLogProbability, Usage } from '../model.ts';
import { tokensFrom } from './read-tokens.ts';

/** What servers say instead of `stop`; unknown words mean that the model ended. */
const finishReasons: Readonly<Record<string, FinishReason>> = {
  length: 'length',
  max_tokens: 'length',
  content_filter: 'refused',
  refusal: 'refused',
};

/** Reasons that are none of the model's: vLLM and SGLang gave the call up, DeepSeek ran out of something, a gateway passes an error on. */
const brokenOff: ReadonlySet<string> = new Set(['abort', 'cancelled', 'error', 'insufficient_system_resource']);

/** Ours for their reason; undefined where the server gave the answer up. */
export const finishReasonOf = (theirs: string): FinishReason | undefined =>
  brokenOff.has(theirs) ? undefined : (finishReasons[theirs] ?? 'stop');

/** How servers tell the tokens that they had from before: OpenAI, vLLM and SGLang in the details, DeepSeek and Moonshot beside them. */
type GivenUsage = Partial<CompletionUsage> & { readonly prompt_cache_hit_tokens?: number; readonly cached_tokens?: number };

/** Our usage for theirs; undefined where a server sent none, or nothing that can be counted. `cached`: as told elsewhere in the answer. */
export function usageFrom(given: GivenUsage | null | undefined, cached = 0): Usage | undefined {
  const inputTokens = countOf(given?.prompt_tokens);
  const [written, totalTokens] = [countOf(given?.completion_tokens), countOf(given?.total_tokens)];
  if (!given || inputTokens === undefined || (written ?? totalTokens) === undefined) return undefined;
  // xAI and Gemini tell what a model has thought in the sum alone; it is paid for
  const outputTokens = Math.max(written ?? 0, (totalTokens ?? 0) - inputTokens);
  const told = countOf(given.prompt_tokens_details?.cached_tokens ?? given.prompt_cache_hit_tokens ?? given.cached_tokens) ?? cached;
  return {
    inputTokens,
    cachedTokens: Math.min(told, inputTokens),
    outputTokens,
    totalTokens: inputTokens + outputTokens,
  };
}

/** A number of tokens; undefined for what is none: a server's mistake must not become a sum that is no number. */
export const countOf = (given: unknown): number | undefined =>
  Number.isSafeInteger(given) && Number(given) >= 0 ? Number(given) : undefined;

/** What is to be made of a stream. */
interface Reading {
  /** Counts where the server does not. */
  readonly estimate: (pieces: number, chars: number) => Usage;
  /** As they were asked for; undefined: no log-probabilities. */
  readonly logProbabilities: number | undefined;
}

/** What some servers add to a chunk: an error in its place, or llama-server's times, in which it tells what it had from before. */
interface AddedFields {
  readonly object?: string;
  readonly timings?: { readonly cache_n?: number };
}

/**
 * Reads a stream of chunks into ours: texts as they come, then one last piece with usage, finish reason and model.
 * Holds the length of what came, not the text, and tokens until their text comes.
 * @throws InferenceError `model_failed` when the stream ends without a finish reason: it was cut.
 */
export async function* readChat(
  stream: AsyncIterable<ChatCompletionChunk>,
  { estimate, logProbabilities }: Reading,
): AsyncGenerator<ChatChunk> {
  let index = 0;
  let chars = 0;
  let usage: Usage | undefined;
  let model: string | undefined;
  let finishReason: FinishReason | undefined;
  let isTold = false;
  let tokens: readonly TokenLogProbability[] = []; // one that is half a character has no text yet
  for await (const chunk of stream) {
    const { object, timings } = chunk as AddedFields;
    if (object === 'error') throw Object.assign(new Error('an error in place of a chunk'), { error: chunk });
    usage = usageFrom(chunk.usage, timings?.cache_n) ?? usage; // some send it in every chunk, growing
    model = chunk.model || model;
    // servers leave the list out, or empty, in the chunk that carries usage
    const choice = (chunk.choices as ChatCompletionChunk['choices'] | undefined)?.[0];
    if (choice === undefined) continue;
    const delta = choice.delta as ChatCompletionChunk.Choice.Delta | undefined;
    const text = [delta?.content, delta?.refusal].find((one) => typeof one === 'string') ?? '';
    if (typeof delta?.refusal === 'string' && delta.refusal !== '') finishReason = 'refused';
    if (typeof choice.finish_reason === 'string') {
      const told = finishReasonOf(choice.finish_reason);
      if (told === undefined) throw gaveUp(choice.finish_reason);
      finishReason ??= told;
    }
    if (logProbabilities !== undefined) tokens = [...tokens, ...tokensFrom(choice.logprobs, logProbabilities)];
    if (text === '') continue;
    yield { text, index, ...(tokens.length === 0 ? {} : { tokens }) };
    isTold ||= tokens.length > 0;
    tokens = [];
    index += 1;
    chars += text.length;
  }
  if (finishReason === undefined)
    throw new InferenceError(
      'model_failed',
      `expected a finish reason at the end of the answer, got the end of the stream after ${String(chars)} characters`,
    );
  if (logProbabilities !== undefined && chars > 0 && !isTold)
    throw new InferenceError(
      'capability_missing',
      'expected log-probabilities with the answer, got none; leave logProbabilities out, or look at how the server was started',
    );
  yield { text: '', index, usage: usage ?? estimate(index, chars), finishReason, ...(model === undefined ? {} : { model }) };
}

const gaveUp = (reason: string): InferenceError =>
  new InferenceError('model_failed', `the server gave the answer up (finish_reason ${JSON.stringify(reason)})`);

/** Chunks of a continued text in the form of a chat's. */
export async function* asChat(stream: AsyncIterable<Completion>): AsyncGenerator<ChatCompletionChunk> {
  for await (const chunk of stream) {
    const choices = (chunk.choices as readonly Partial<CompletionChoice>[] | undefined)?.map(({ text, ...choice }) => ({
      ...choice,
      delta: { content: text },
    }));
    // what is read of it is looked at as it is read: nothing here is believed of a server
    yield { ...chunk, choices } as unknown as ChatCompletionChunk;
  }
}
