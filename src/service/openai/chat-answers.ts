import type { TokenLogProbability, Usage } from '../../inference/model.ts';
import { eventText } from '../event-stream.ts';
import type { GenerationChunk, GenerationEnd, GenerationEvent, GenerationFailure } from '../generation.state.ts';
import type { ToolCallPart } from '../answer-piece.ts';
import type { StreamFormat } from '../stream-answer.ts';
import { failureError } from './api-error.ts';

/** What every part of an answer repeats. */
export interface AnswerFrame {
  readonly id: string;
  /** Seconds since 1970. */
  readonly created: number;
  readonly model: string;
  readonly includeUsage: boolean;
  readonly withLogProbabilities: boolean;
  /** The function whose arguments the answer is. */
  readonly tool: string | undefined;
}

const finishReasons = { stop: 'stop', length: 'length', refused: 'content_filter' } as const;

export const usageOf = ({ inputTokens, outputTokens, cachedTokens }: Usage) => ({
  prompt_tokens: inputTokens,
  completion_tokens: outputTokens,
  total_tokens: inputTokens + outputTokens,
  prompt_tokens_details: { cached_tokens: cachedTokens },
});

const bytesOf = (text: string): readonly number[] => [...Buffer.from(text)];

const logprobsOf = (tokens: readonly TokenLogProbability[]) => ({
  content: tokens.map(({ token, logProbability, top }) => ({
    ...{ token, logprob: logProbability, bytes: bytesOf(token) },
    top_logprobs: top.map((one) => ({ token: one.token, logprob: one.logProbability, bytes: bytesOf(one.token) })),
  })),
  refusal: null,
});

const reasonOf = ({ finishReason }: GenerationEnd, isCall: boolean): string =>
  isCall && finishReason === 'stop' ? 'tool_calls' : finishReasons[finishReason];

const callId = (id: string, index = 0): string => `call_${id.replace(/^chatcmpl-/, '')}${index === 0 ? '' : `_${String(index)}`}`;

/** Some servers give their calls no id, and a client has to name one when it tells what came of it. */
const callPart = (frame: string, { index, id, name, arguments: args }: ToolCallPart) =>
  name === undefined
    ? { index, function: { arguments: args } }
    : { index, id: id ?? callId(frame, index), type: 'function', function: { name, arguments: args } };

/** The pieces put together, in the order of their numbers. */
function callsIn(frame: string, chunks: readonly GenerationChunk[]) {
  const calls = new Map<
    number,
    { readonly id: string; readonly type: 'function'; readonly function: { name: string; arguments: string } }
  >();
  for (const { index, id, name = '', arguments: args } of chunks.flatMap(({ toolCalls = [] }) => toolCalls)) {
    const call = calls.get(index) ?? { id: id ?? callId(frame, index), type: 'function', function: { name, arguments: '' } };
    call.function.arguments += args;
    calls.set(index, call);
  }
  return [...calls.values()];
}

/** A chat as a stream of chunks. */
export function chatStream(frame: AnswerFrame): StreamFormat {
  const { id, created, model, includeUsage, withLogProbabilities, tool } = frame;
  let isCall = tool !== undefined;
  const part = (choices: readonly unknown[], usage?: unknown): string =>
    eventText({ id, object: 'chat.completion.chunk', created, model, choices, ...(includeUsage ? { usage: usage ?? null } : {}) });
  const choice = (delta: unknown, reason: string | null = null, tokens?: readonly TokenLogProbability[]) => ({
    ...{ index: 0, delta, logprobs: withLogProbabilities && tokens ? logprobsOf(tokens) : null, finish_reason: reason },
  });
  const opening =
    tool === undefined
      ? { role: 'assistant', content: '' }
      : {
          role: 'assistant',
          content: null,
          tool_calls: [{ index: 0, id: callId(id), type: 'function', function: { name: tool, arguments: '' } }],
        };
  const delta = (text: string) => (tool === undefined ? { content: text } : { tool_calls: [{ index: 0, function: { arguments: text } }] });
  return {
    headers: {},
    opening: part([choice(opening)]),
    chunk: ({ text, logProbabilities, toolCalls }: GenerationChunk) => {
      if (toolCalls === undefined) return part([choice(delta(text), null, logProbabilities)]);
      isCall = true;
      return part([choice({ tool_calls: toolCalls.map((one) => callPart(id, one)) })]);
    },
    end: (end) => part([choice({}, reasonOf(end, isCall))]) + (includeUsage ? part([], usageOf(end.usage)) : ''),
    failure: (failure) => eventText(failureError(failure).body),
    refusal: failureError,
    lost: eventText(failureError(lost).body),
    replaces: false,
  };
}

const lost: Pick<GenerationFailure, 'code' | 'message' | 'retryAfterMs'> = {
  code: 'call_failed',
  message: 'the reader was so slow that a part of the answer is not kept any more',
  retryAfterMs: undefined,
};

/** A chat as one answer; its events end with that of its end. */
export function chatAnswer(events: readonly GenerationEvent[], end: GenerationEnd, frame: AnswerFrame) {
  const { id, created, model, withLogProbabilities, tool } = frame;
  const chunks = events.flatMap((event) => (event.kind === 'chunk' ? [event] : []));
  const text = chunks.map((one) => one.text).join('');
  const calls = callsIn(id, chunks);
  const message =
    tool === undefined
      ? {
          role: 'assistant',
          content: calls.length > 0 && text === '' ? null : text,
          refusal: null,
          ...(calls.length > 0 && { tool_calls: calls }),
        }
      : {
          ...{ role: 'assistant', content: null, refusal: null },
          tool_calls: [{ id: callId(id), type: 'function', function: { name: tool, arguments: text } }],
        };
  const logprobs = withLogProbabilities ? logprobsOf(chunks.flatMap(({ logProbabilities }) => logProbabilities)) : null;
  return {
    ...{ id, object: 'chat.completion', created, model },
    choices: [{ index: 0, message, logprobs, finish_reason: reasonOf(end, tool !== undefined || calls.length > 0) }],
    usage: usageOf(end.usage),
  };
}

/** A continued text as a stream of chunks. */
export function completionStream({ id, created, model, includeUsage }: AnswerFrame): StreamFormat {
  const part = (choices: readonly unknown[], usage?: unknown): string =>
    eventText({ id, object: 'text_completion', created, model, choices, ...(includeUsage ? { usage: usage ?? null } : {}) });
  const choice = (text: string, reason: string | null) => ({ index: 0, text, logprobs: null, finish_reason: reason });
  return {
    headers: {},
    opening: undefined,
    chunk: ({ text }) => part([choice(text, null)]),
    end: ({ finishReason, usage }) => part([choice('', finishReasons[finishReason])]) + (includeUsage ? part([], usageOf(usage)) : ''),
    failure: (failure) => eventText(failureError(failure).body),
    refusal: failureError,
    lost: eventText(failureError(lost).body),
    replaces: false,
  };
}

/** A continued text as one answer. */
export function completionAnswer(
  events: readonly GenerationEvent[],
  { finishReason, usage }: GenerationEnd,
  { id, created, model }: AnswerFrame,
) {
  const text = events.map((event) => (event.kind === 'chunk' ? event.text : '')).join('');
  return {
    ...{ id, object: 'text_completion', created, model },
    choices: [{ index: 0, text, logprobs: null, finish_reason: finishReasons[finishReason] }],
    usage: usageOf(usage),
  };
}
