import { InferenceError, isStreamError, OverloadError, type StreamError } from '../../errors.ts';
import { longestToldMs, retryAfterOf } from '../../retry-after.ts';
import { chainOf, connectionError, redacted, shortened } from '../internal/connection-error.ts';

/** What an error may tell of the call. */
export interface ErrorContext {
  /** Without credentials and query. */
  readonly shownUrl: string;
  readonly model: string;
  readonly apiKey: string | undefined;
  readonly nowMs: number;
}

const tooLong =
  /context.{0,12}(length|window|size)|maximum (context|allowed length)|prompt is too long|too many tokens|`inputs` (tokens \+|must have less)/i;

/** One of our errors for whatever the client or the server raised. Quotes the server, never the key. */
export function openAiError(error: unknown, context: ErrorContext): StreamError {
  const ours = chainOf(error).find(isStreamError);
  if (ours !== undefined) return ours;
  const status =
    typeof error === 'object' && error !== null && 'status' in error && typeof error.status === 'number' ? error.status : undefined;
  if (status !== undefined) return statusError(error, status, context);
  if (isApiError(error)) return inStream(error, context);
  const { shownUrl, apiKey } = context;
  return connectionError(error, { shownUrl, secret: apiKey, option: 'baseUrl', form: "OpenAI's API" });
}

function statusError(error: unknown, status: number, context: ErrorContext): StreamError {
  const { shownUrl, model } = context;
  const words = wordsOf(error, context);
  const fail = (code: ConstructorParameters<typeof InferenceError>[0], what: string): InferenceError =>
    new InferenceError(code, `${what}: status ${String(status)} from ${shownUrl}${words}`, { status });
  const kind = kindOf(error);
  // a spent quota comes as 429, but no waiting helps
  if (status === 402 || kind.includes('insufficient_quota'))
    return fail('model_unauthorized', 'the account behind the API key has no credit left');
  if (status === 401 || status === 403) return fail('model_unauthorized', 'the server does not accept the API key (apiKey) for this');
  if (status >= 300 && status < 400)
    return fail('model_not_found', 'the server sends to another address, where nothing is sent: give that one as baseUrl');
  if (status === 404)
    return fail(
      'model_not_found',
      `model ${JSON.stringify(model)} or the path was not found; look at model and baseUrl, which mostly ends in /v1`,
    );
  if (status === 413 || ((status === 400 || status === 422) && saysTooLong(error)))
    return fail('prompt_too_long', 'the prompt does not fit the model');
  if (kind.includes('content_filter')) return fail('answer_refused', 'the server filters this prompt');
  if (status === 429 || status === 503 || status === 529) {
    const retryAfterMs = retryAfterOf(error, context.nowMs, longestToldMs); // how much of it is heeded whoever waits decides
    const message = `the server asks for less: status ${String(status)} from ${shownUrl}${words}`;
    return new OverloadError(message, retryAfterMs === undefined ? { status } : { status, retryAfterMs });
  }
  if (status === 501 || kind.includes('not_supported_error'))
    return fail('capability_missing', 'the server cannot do this, or was not started for it');
  if (status === 507) return fail('resource_exhausted', 'the server has no room left');
  if (status === 502 || status === 504) return fail('model_unavailable', 'a gateway did not reach the model');
  if (status >= 500 || status === 408 || status === 409 || status === 424) return fail('model_failed', 'the server failed');
  return fail('model_rejected', 'the server refused the request');
}

/** An error that the server put into a stream that had begun with status 200. */
function inStream(error: object, context: ErrorContext): StreamError {
  const status = Number(Reflect.get(Object(bodyOf(error)) as object, 'code')); // SGLang, vLLM and gateways write the status there
  if (status >= 400 && status < 600) return statusError(error, status, context);
  const kind = kindOf(error);
  const message = `the server broke the answer off: ${context.shownUrl}${wordsOf(error, context)}`;
  if (kind.includes('insufficient_quota')) return new InferenceError('model_unauthorized', message);
  if (/rate_limit|overloaded/.test(kind) || saysOverloaded(error)) return new OverloadError(message);
  if (saysTooLong(error)) return new InferenceError('prompt_too_long', message);
  const isRejected = /invalid_(prompt|request|image)|_policy/.test(kind) || /^input validation error/i.test(saidBy(error));
  return new InferenceError(isRejected ? 'model_rejected' : 'model_failed', message);
}

const isApiError = (error: unknown): error is object =>
  typeof error === 'object' && error !== null && 'error' in error && error.error !== undefined;

const textIn = (holder: unknown, name: string): string => {
  const value: unknown = typeof holder === 'object' && holder !== null ? Reflect.get(holder, name) : undefined;
  return typeof value === 'string' ? value : '';
};

const bodyOf = (error: unknown): unknown => (typeof error === 'object' && error !== null && 'error' in error ? error.error : undefined);

const kindOf = (error: unknown): string => `${textIn(bodyOf(error), 'code')} ${textIn(bodyOf(error), 'type')}`;

/** TGI and Ollama write words in place of an error with a kind. */
const saidBy = (error: unknown): string => {
  const body = bodyOf(error);
  return typeof body === 'string' ? body : textIn(body, 'message');
};

const saysTooLong = (error: unknown): boolean => /context_length|exceed_context/.test(kindOf(error)) || tooLong.test(saidBy(error));

const saysOverloaded = (error: unknown): boolean => /\boverloaded\b|server busy|queue is full/i.test(saidBy(error));

function wordsOf(error: unknown, { apiKey }: ErrorContext): string {
  const words = shortened(redacted(saidBy(error), apiKey));
  return words === '' ? '' : `: ${words}`;
}
