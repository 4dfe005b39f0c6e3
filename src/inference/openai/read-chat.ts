import type { ChatCompletionChunk } from 'openai/resources/chat/completions';
import type { Completion, CompletionChoice, CompletionUsage } from 'openai/resources/completions';
import { InferenceError } from '../../errors.ts';
import type { ChatChunk, FinishReason, TokenLogProbability, Usage } from '../model.ts';
import { endingSoon, longestEndMs, longestUsageMs } from './ending-soon.ts';
import { callsTool, readDelta } from './read-delta.ts';
import { tokensFrom } from './read-tokens.ts';
import { ToolCallReader } from './tool-call-reader.ts';

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
  /** Whether tools were given: calls of them are an answer. @defaultValue false */
  readonly tools?: boolean;
}

/** What some servers add to a chunk: an error in its place, or llama-server's times, in which it tells what it had from before. */
interface AddedFields {
  readonly object?: string;
  readonly timings?: { readonly cache_n?: number };
}

/** What was read of an answer so far. */
interface Read {
  readonly index: number;
  readonly chars: number;
  /** The index of the choice that is read; undefined before the server has told of any. */
  readonly choice: number | undefined;
  readonly finishReason: FinishReason | undefined;
  readonly tool: string | undefined;
  readonly areTokensTold: boolean;
}

/**
 * Reads a stream of chunks into ours: texts as they come, then one last piece with usage, finish reason and model. A server that has told the finish
 * reason has 2 s to tell the usage, and then 0.2 s to end the stream: after that it has ended.
 * Holds the length of what came, not the text, and tokens until their text comes.
 * @throws InferenceError `model_failed` when the stream ends without a finish reason (it was cut), or has content that is no text;
 * `answer_invalid` for calls of tools in place of text, where none were given.
 */
export async function* readChat(
  stream: AsyncIterable<ChatCompletionChunk>,
  { estimate, logProbabilities, tools = false }: Reading,
): AsyncGenerator<ChatChunk> {
  let read: Read = { index: 0, chars: 0, choice: undefined, finishReason: undefined, tool: undefined, areTokensTold: false };
  let usage: Usage | undefined;
  let model: string | undefined;
  const calls = new ToolCallReader();
  let tokens: readonly TokenLogProbability[] = []; // one that is half a character has no text yet
  const endsWithinMs = (): number | undefined =>
    read.finishReason === undefined ? undefined : usage === undefined ? longestUsageMs : longestEndMs;
  for await (const chunk of endingSoon(stream, endsWithinMs)) {
    const { object, timings } = chunk as AddedFields;
    if (object === 'error') throw Object.assign(new Error('an error in place of a chunk'), { error: chunk });
    usage = usageFrom(chunk.usage, timings?.cache_n) ?? usage; // some send it in every chunk, growing
    model = chunk.model || model;
    const choice = choiceIn(chunk, read.choice);
    if (choice === undefined) continue;
    const { text, isRefusal, tool = read.tool ?? toolIn(choice) } = readDelta(choice.delta);
    read = {
      ...read,
      choice: choice.index ?? read.choice ?? 0,
      tool,
      finishReason: isRefusal ? 'refused' : (read.finishReason ?? toldReason(choice)),
    };
    if (logProbabilities !== undefined) tokens = [...tokens, ...tokensFrom(choice.logprobs, logProbabilities)];
    const toolCalls = tools ? calls.read(choice.delta) : [];
    if (text === '' && toolCalls.length === 0) continue;
    const { index, chars, areTokensTold } = read;
    yield { text, index, ...(tokens.length === 0 ? {} : { tokens }), ...(toolCalls.length === 0 ? {} : { toolCalls }) };
    const told = text.length + toolCalls.reduce((sum, one) => sum + (one.name ?? '').length + one.arguments.length, 0);
    read = { ...read, index: index + 1, chars: chars + told, areTokensTold: areTokensTold || tokens.length > 0 };
    tokens = [];
  }
  const finishReason = endOf(read, logProbabilities);
  const { index, chars } = read;
  yield { text: '', index, usage: usage ?? estimate(index, chars), finishReason, ...(model === undefined ? {} : { model }) };
}

/** A choice as it comes; some servers number none. */
type GivenChoice = Omit<ChatCompletionChunk['choices'][number], 'index'> & { readonly index?: number };

/**
 * Of several choices (`n` in `extraBody`) the one that is read already, or else the first by its number: they come in any order, each in chunks of its own.
 * Servers leave the list out, or empty, in the chunk that carries usage.
 */
function choiceIn({ choices }: ChatCompletionChunk, reading: number | undefined): GivenChoice | undefined {
  const given = Object.values((choices as readonly GivenChoice[] | null | undefined) ?? []);
  if (reading !== undefined) return given.find(({ index = reading }) => index === reading);
  return given.toSorted((one, other) => (one.index ?? 0) - (other.index ?? 0))[0];
}

/** Some say no more of a tool than that they want one. */
const toolIn = ({ finish_reason: reason }: { readonly finish_reason?: unknown }): string | undefined =>
  reason === 'tool_calls' || reason === 'function_call' ? '?' : undefined;

/** What a choice says of its end. @throws InferenceError `model_failed` where the server gave the answer up. */
function toldReason({ finish_reason: theirs }: { readonly finish_reason?: unknown }): FinishReason | undefined {
  if (typeof theirs !== 'string') return undefined;
  const told = finishReasonOf(theirs);
  if (told === undefined) throw gaveUp(theirs);
  return told;
}

/** The finish reason of an answer that is one. */
function endOf({ finishReason, chars, tool, choice, areTokensTold }: Read, logProbabilities: number | undefined): FinishReason {
  if (choice === undefined)
    throw new InferenceError('model_failed', 'expected an answer with choices, got the end of the stream without any');
  if (finishReason === undefined)
    throw new InferenceError(
      'model_failed',
      `expected a finish reason at the end of the answer, got the end of the stream after ${String(chars)} characters`,
    );
  if (tool !== undefined && chars === 0) throw callsTool(tool);
  if (logProbabilities !== undefined && chars > 0 && !areTokensTold)
    throw new InferenceError(
      'capability_missing',
      'expected log-probabilities with the answer, got none; leave logProbabilities out, or look at how the server was started',
    );
  return finishReason;
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
