import { InferenceError, OverloadError, type StreamError } from '../../errors.ts';

/** How a scripted call goes wrong. */
export type ScriptedFault =
  /** It asks for less, as 429, 503 and 529 do. */
  | { readonly kind: 'overload'; readonly status?: 429 | 503 | 529; readonly retryAfterMs?: number }
  /** It answers with a server's error. */
  | { readonly kind: 'status'; readonly status: number }
  /** The process behind it dies. */
  | { readonly kind: 'crash' }
  /** It never answers. */
  | { readonly kind: 'hang' }
  /** The stream ends after so many tokens, without saying so. @defaultValue 1 token */
  | { readonly kind: 'cut'; readonly afterTokens?: number }
  /** The answer loses its last third, and claims to be whole. */
  | { readonly kind: 'bad-json' }
  /** Each token takes so long. */
  | { readonly kind: 'drip'; readonly tokenMs: number };

/** For a while every call goes wrong, as when a server is down or a limit is reached. In the time of the calls' clock, in ms. */
export interface ScriptedStorm {
  readonly fromMs: number;
  /** Not included. */
  readonly toMs: number;
  readonly fault: ScriptedFault;
}

/** The error that a fault is, as a real back end would raise it; undefined for faults that are not errors from the start. */
export function faultError(fault: ScriptedFault): StreamError | undefined {
  if (fault.kind === 'overload') {
    const { status = 429, retryAfterMs } = fault;
    return new OverloadError(
      `scripted: status ${String(status)}, slow down`,
      retryAfterMs === undefined ? { status } : { status, retryAfterMs },
    );
  }
  if (fault.kind === 'crash') return new InferenceError('model_crashed', 'scripted: the model’s process died');
  if (fault.kind !== 'status') return undefined;
  const { status } = fault;
  const code =
    status === 401 || status === 403
      ? 'model_unauthorized'
      : status === 404
        ? 'model_not_found'
        : status < 500 && status !== 408 && status !== 409
          ? 'model_rejected'
          : 'model_failed';
  return new InferenceError(code, `scripted: status ${String(status)}`, { status });
}
