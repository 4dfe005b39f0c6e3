import type { ChatCompletionChunk } from 'openai/resources/chat/completions';
import type { ResponseStreamEvent } from 'openai/resources/responses/responses';

/** What the Responses API's events are read as; nothing of a server is believed before it is looked at. */
interface Reading {
  /** Of the request: an answer as long as this was cut off, where a server does not say so. */
  readonly maxTokens: number | undefined;
}

/** What is read of an event. */
interface SeenEvent {
  readonly type?: unknown;
  readonly delta?: unknown;
  readonly text?: unknown;
  readonly logprobs?: unknown;
  readonly response?: SeenResponse;
  readonly timings?: unknown;
}

/** What is read of a response. */
interface SeenResponse {
  readonly status?: unknown;
  readonly error?: unknown;
  readonly incomplete_details?: { readonly reason?: unknown } | null;
  readonly model?: unknown;
  readonly output?: unknown;
  readonly usage?: {
    readonly input_tokens?: unknown;
    readonly output_tokens?: unknown;
    readonly total_tokens?: unknown;
    readonly input_tokens_details?: { readonly cached_tokens?: unknown }; // llama-server leaves it out
  } | null;
}

type Chunk = Record<string, unknown>;

/**
 * The events of a response in the form of a chat's chunks: pieces of text and of a refusal, then how it ended, with usage. Reasoning,
 * tools and whatever is not known are passed over; what came without pieces is taken from the end of its part, or of the answer.
 * @throws what `openAiError` reads, for a response that failed or was cancelled, and for events that are errors.
 */
export async function* responsesAsChat(
  stream: AsyncIterable<ResponseStreamEvent>,
  { maxTokens }: Reading,
): AsyncGenerator<ChatCompletionChunk> {
  let [hasText, partHasText] = [false, false];
  for await (const event of stream as AsyncIterable<unknown> as AsyncIterable<SeenEvent>) {
    const { type, delta, text, logprobs, response, timings } = event;
    if (type === 'error') throw apiError(event);
    if (type === 'response.output_text.delta') {
      const content = typeof delta === 'string' ? delta : ''; // what is none is taken from the end
      partHasText ||= content !== '';
      hasText ||= partHasText;
      yield piece({ content }, { logprobs: { content: logprobs } });
    } else if (type === 'response.output_text.done') {
      if (!partHasText && typeof text === 'string' && text !== '') {
        hasText = true;
        yield piece({ content: text });
      }
      partHasText = false;
    } else if (type === 'response.refusal.delta') {
      hasText = true;
      yield piece({ refusal: delta });
    } else if (response?.status === 'failed' || response?.status === 'cancelled') {
      throw apiError(response.error ?? { message: `the response has ${response.status}` });
    } else if (response?.status === 'completed' || response?.status === 'incomplete') {
      if (!hasText) yield piece(wholeOf(response));
      yield {
        ...piece({}, { finish_reason: endOf(response, maxTokens) }),
        model: response.model,
        usage: usageOf(response),
        timings,
      } as never;
    }
  }
}

/** As the client raises it for an event that is named so. */
const apiError = (error: unknown): Error => Object.assign(new Error('an error in place of an answer'), { error });

const piece = (delta: Chunk, more: Chunk = {}): ChatCompletionChunk => ({ choices: [{ index: 0, delta, ...more }] }) as never;

/** The texts of all messages in a response's output; where there are none, the tools that it calls. */
function wholeOf({ output }: SeenResponse): Chunk {
  const items = Array.isArray(output) ? (output as readonly Chunk[]) : [];
  const parts = items.flatMap(({ type, content }) => (type === 'message' && Array.isArray(content) ? (content as readonly Chunk[]) : []));
  const texts = (field: string): string | undefined => {
    const found = parts.map((part) => part[field]).filter((one) => typeof one === 'string');
    return found.length === 0 ? undefined : found.join('');
  };
  const refusal = texts('refusal');
  if (refusal !== undefined) return { refusal };
  return { content: texts('text'), tool_calls: items.filter(({ type }) => type === 'function_call' || type === 'custom_tool_call') };
}

function endOf({ status, incomplete_details: why, usage }: SeenResponse, maxTokens: number | undefined): string {
  if (status === 'incomplete') return why?.reason === 'content_filter' ? 'content_filter' : 'length';
  return maxTokens !== undefined && Number(usage?.output_tokens) >= maxTokens ? 'length' : 'stop';
}

const usageOf = ({ usage }: SeenResponse): unknown => ({
  prompt_tokens: usage?.input_tokens,
  completion_tokens: usage?.output_tokens,
  total_tokens: usage?.total_tokens,
  prompt_tokens_details: { cached_tokens: usage?.input_tokens_details?.cached_tokens },
});
