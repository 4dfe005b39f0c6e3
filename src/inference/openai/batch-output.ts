import type { ChatCompletion } from 'openai/resources/chat/completions';
import { InferenceError, type StreamError } from '../../errors.ts';
import type { FinishReason, Usage } from '../model.ts';
import { type ErrorContext, openAiError } from './openai-error.ts';
import { finishReasonOf, usageFrom } from './read-chat.ts';
import { callsTool, readDelta } from './read-delta.ts';

/** A whole answer. */
export interface BatchReply {
  readonly text: string;
  readonly finishReason: FinishReason;
  /** Undefined where the server sent none. */
  readonly usage: Usage | undefined;
  readonly model: string | undefined;
}

/** What became of one request: its answer, or why it has none. */
export type BatchResult =
  | { readonly id: string; readonly reply: BatchReply; readonly error?: undefined }
  | { readonly id: string; readonly error: StreamError; readonly reply?: undefined };

/** What is read of a line. */
interface Line {
  readonly custom_id?: unknown;
  readonly response?: { readonly status_code?: unknown; readonly body?: unknown } | null;
  readonly error?: { readonly code?: unknown; readonly message?: unknown } | null;
}

/** The lines of a file, one at a time. Holds one, of `maxBytes` at most. @throws InferenceError `model_rejected` for a longer one. */
export async function* linesOf(body: ReadableStream<Uint8Array> | null, maxBytes: number): AsyncGenerator<string> {
  let pieces: string[] = [];
  let length = 0;
  const decoder = new TextDecoder();
  const add = (text: string): void => {
    length += text.length;
    if (length > maxBytes)
      throw new InferenceError(
        'model_rejected',
        `expected lines of at most ${String(maxBytes)} bytes, got a longer one; raise maxAnswerBytes`,
      );
    pieces.push(text);
  };
  for await (const chunk of body ?? []) {
    const [first = '', ...rest] = decoder.decode(chunk, { stream: true }).split('\n');
    add(first);
    for (const next of rest) {
      yield pieces.join('');
      pieces = [];
      length = 0;
      add(next);
    }
  }
  if (length > 0) yield pieces.join('');
}

/** What a line says; undefined for a blank one. @throws InferenceError `model_failed` for one that says nothing of a request. */
export function resultOf(text: string, context: ErrorContext): BatchResult | undefined {
  if (text.trim() === '') return undefined;
  const { custom_id: id, response, error } = parsed(text, context);
  if (typeof id !== 'string')
    throw new InferenceError('model_failed', `expected a custom_id in each line from ${context.shownUrl}, got one without`);
  const status = Number(response?.status_code);
  if (status >= 200 && status < 300) return answered(id, response?.body as Partial<ChatCompletion> | null, context);
  if (status >= 400) return { id, error: openAiError({ status, error: errorIn(response?.body) }, context) };
  return { id, error: leftUndone(typeof error?.code === 'string' ? error.code : 'no answer', context) };
}

/** For a request of which a batch says nothing, or that it did not come to: another batch may. */
export const leftUndone = (why: string, { shownUrl }: ErrorContext): StreamError =>
  new InferenceError(
    'model_unavailable',
    `the batch ended before this request was answered (${why}): ${shownUrl}; ask for it in another one`,
  );

function answered(id: string, body: Partial<ChatCompletion> | null, context: ErrorContext): BatchResult {
  const choice = body?.choices?.[0];
  const finishReason = typeof choice?.finish_reason === 'string' ? finishReasonOf(choice.finish_reason) : undefined;
  if (finishReason === undefined)
    return {
      id,
      error: new InferenceError('model_failed', `expected an answer with a finish reason from ${context.shownUrl}, got another thing`),
    };
  try {
    const { text, isRefusal, tool } = readDelta(choice?.message);
    if (tool !== undefined && text === '') return { id, error: callsTool(tool) };
    const model = typeof body?.model === 'string' ? body.model : undefined;
    return { id, reply: { text, finishReason: isRefusal ? 'refused' : finishReason, usage: usageFrom(body?.usage), model } };
  } catch (error) {
    return { id, error: openAiError(error, context) }; // of this line alone
  }
}

/** Bodies of errors hold one, or are one. */
const errorIn = (body: unknown): unknown => (typeof body === 'object' && body !== null && 'error' in body ? body.error : body);

function parsed(text: string, { shownUrl }: ErrorContext): Line {
  try {
    const line: unknown = JSON.parse(text);
    if (typeof line === 'object' && line !== null) return line;
  } catch {
    // said below
  }
  throw new InferenceError('model_failed', `expected a line of JSON from ${shownUrl}, got one that is not`);
}
