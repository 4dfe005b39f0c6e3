import { type ErrorCode, InferenceError, isStreamError, OverloadError, type StreamError } from '../../errors.ts';
import { longestToldMs, retryAfterOf } from '../../retry-after.ts';
import { chainOf, connectionError, redacted, shortened } from '../internal/connection-error.ts';

/** What an error may tell of the call. */
export interface ErrorContext {
  /** Without credentials and query. */
  readonly shownUrl: string;
  readonly model: string;
  readonly secrets: readonly string[];
  readonly nowMs: number;
}

/** A status that says no, or an error in place of an answer. */
export class Refused extends Error {
  /** 200 for an error inside of an answer that had begun. */
  readonly status: number;
  readonly headers: Headers;

  constructor(status: number, said: string, headers: Headers) {
    super(said);
    this.status = status;
    this.headers = headers;
  }
}

/** What the server says, by words that its sources have; it gives most of it a status of little use. */
const tooLong =
  /longer than the maximum model length|exceeds maximum input length|maximum context length|reduce the length of the (input|prompt)|context.{0,12}(length|window|size)/i;
const tooLarge = /exceeds? (the )?maximum (allowed )?(input size|value|of)|request body exceeds/i;
const isFull = /exceeds maximum queue size|request timeout expired|queue is full|max_queue_size/i;
const isAway = /is not at ready state|not ready|server is stopping|shutting down|is (un)?loading/i;
const isUnknown = /request for unknown model|has no available versions|model .* not found/i;
const outOfMemory = /out of memory|failed to allocate|bad_alloc/i;
const cancelled = /request was cancelled/i;

/** One of our errors for whatever was raised. Quotes the server, never what was sent to prove who asks. */
export function tritonError(error: unknown, context: ErrorContext): StreamError {
  const ours = chainOf(error).find(isStreamError);
  if (ours !== undefined) return ours;
  if (error instanceof Refused) return refusal(error, context);
  return connectionError(error, {
    shownUrl: context.shownUrl,
    secret: context.secrets[0],
    option: 'url',
    form: 'the Open Inference Protocol',
  });
}

function refusal({ status, message, headers }: Refused, { shownUrl, model, secrets, nowMs }: ErrorContext): StreamError {
  const words = shortened(secrets.reduce((text, secret) => redacted(text, secret), redacted(message)));
  const where = status === 200 ? `in an answer of ${shownUrl}` : `status ${String(status)} from ${shownUrl}`;
  const told = `${where}${words === '' ? '' : `: ${words}`}`;
  const of = status === 200 ? {} : { status };
  if (isOverload(status, message)) {
    const retryAfterMs = retryAfterOf({ headers }, nowMs, longestToldMs); // how much of it is heeded whoever waits decides
    return new OverloadError(`the server asks for less: ${told}`, { ...of, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });
  }
  const [code, what] = verdict(status, message, model);
  return new InferenceError(code, `${what}: ${told}`, of);
}

const isOverload = (status: number, said: string): boolean =>
  status === 429 || status === 529 || (status === 503 ? !isAway.test(said) : isFull.test(said));

function verdict(status: number, said: string, model: string): readonly [ErrorCode, string] {
  if (tooLong.test(said)) return ['prompt_too_long', 'the prompt does not fit the model'];
  if (status === 413 || tooLarge.test(said))
    return ['model_rejected', 'the request is larger than the server takes (--http-max-input-size)'];
  if (isAway.test(said) || status === 502 || status === 503 || status === 504)
    return ['model_unavailable', 'the model is not there, or not yet'];
  if (outOfMemory.test(said) || status === 507) return ['resource_exhausted', 'the server has no memory left'];
  if (status === 401 || status === 403) return ['model_unauthorized', 'the server does not accept what proves who asks (apiKey, headers)'];
  if (status >= 300 && status < 400)
    return ['model_not_found', 'the server sends to another address, where nothing is sent: give that one as url'];
  if (status === 404 || status === 405 || isUnknown.test(said))
    return ['model_not_found', `model ${JSON.stringify(model)} or the path was not found; look at model, version and url`];
  if (status === 501) return ['capability_missing', 'the server or the model cannot do this'];
  if (status >= 500 || status === 408 || status === 409 || status === 424 || status === 200 || cancelled.test(said))
    return ['model_failed', 'the server failed'];
  return ['model_rejected', 'the server refused the request'];
}
