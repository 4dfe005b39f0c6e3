import { type ErrorCode, isAbortError, isStreamError, messageOf } from '../../errors.ts';
import { withoutSecrets } from '../../without-secrets.ts';
import type { GenerationFailure } from '../generation.state.ts';

/** An error as OpenAI's clients read it. */
export interface ApiError {
  readonly status: number;
  readonly body: {
    readonly error: { readonly message: string; readonly type: string; readonly param: string | null; readonly code: string | null };
  };
  readonly retryAfterMs?: number | undefined;
}

/** A request that cannot be worked on as it is. */
export class RequestError extends Error {
  readonly status: number;
  readonly param: string | null;
  readonly code: string | null;

  constructor(
    message: string,
    { status = 400, param = null, code = null }: { status?: number; param?: string | null; code?: string | null } = {},
  ) {
    super(message);
    this.name = 'RequestError';
    this.status = status;
    this.param = param;
    this.code = code;
  }
}

/** An answer that failed before anything of it was sent. */
export class FailedAnswer extends Error {
  readonly answer: ApiError;

  constructor(answer: ApiError) {
    super(answer.body.error.message);
    this.name = 'FailedAnswer';
    this.answer = answer;
  }
}

/** What is not the client's fault and not listed here is 500. */
const statusOf: Partial<Readonly<Record<ErrorCode | 'cancelled', number>>> = {
  invalid_option: 400,
  model_rejected: 400,
  prompt_too_long: 400,
  schema_unsupported: 400,
  capability_missing: 400,
  call_too_large: 400,
  cancelled: 499, // as nginx has it; nobody is there to see it but other readers
  overloaded: 429,
  breaker_open: 503,
  resource_exhausted: 503,
  model_unavailable: 503,
  model_crashed: 503,
  pipeline_stopped: 503,
  unknown_topic: 404,
  record_too_large: 413,
  record_rejected: 400,
  transport_unavailable: 503,
  call_timeout: 504,
  deadline_exceeded: 504,
  // the service's own key, file or program: never the client's 401 or 404
  model_unauthorized: 502,
  model_failed: 502,
  model_damaged: 502,
  model_not_found: 502,
};

/** As OpenAI's own servers name it, where their clients look for it. */
const codeOf: Partial<Readonly<Record<ErrorCode | 'cancelled', string>>> = {
  prompt_too_long: 'context_length_exceeded',
  overloaded: 'rate_limit_exceeded',
};

const typeOf = (status: number): string => {
  if (status === 401) return 'authentication_error';
  if (status === 403) return 'permission_error';
  if (status === 404) return 'not_found_error';
  if (status === 429) return 'rate_limit_error';
  return status < 500 ? 'invalid_request_error' : 'server_error';
};

/** Anything that was thrown, as an answer: its message without secrets. */
export function apiErrorOf(error: unknown): ApiError {
  if (error instanceof FailedAnswer) return error.answer;
  if (error instanceof RequestError) return apiError(error.status, error.message, error.code, error.param);
  if (isStreamError(error)) return failureError({ code: error.code, message: messageOf(error), retryAfterMs: error.retryAfterMs });
  const status = statusIn(error);
  if (isAbortError(error)) return apiError(499, 'it was cancelled', 'cancelled');
  return apiError(status ?? 500, status === undefined ? 'the service failed; its log says how' : messageOf(error), null);
}

/** An answer that failed, as an answer. */
export const failureError = ({ code, message, retryAfterMs }: Pick<GenerationFailure, 'code' | 'message' | 'retryAfterMs'>): ApiError => ({
  ...apiError(statusOf[code] ?? 500, message, codeOf[code] ?? code),
  retryAfterMs,
});

const apiError = (status: number, message: string, code: string | null, param: string | null = null): ApiError => ({
  status,
  body: { error: { message: withoutSecrets(message), type: typeOf(status), param, code } },
});

/** What the HTTP server finds wrong by itself: a body that is too large, or no JSON. */
const statusIn = (error: unknown): number | undefined =>
  error instanceof Error &&
  'statusCode' in error &&
  typeof error.statusCode === 'number' &&
  error.statusCode >= 400 &&
  error.statusCode < 500
    ? error.statusCode
    : undefined;
