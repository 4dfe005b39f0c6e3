import { isStreamError, messageOf, StreamError } from '../errors.ts';
import { withoutSecrets } from '../without-secrets.ts';
import type { GenerationFailure } from './generation.state.ts';

/** What is told of an error: never a secret, never a stack. */
export function failureOf(error: unknown): Pick<GenerationFailure, 'code' | 'message' | 'retryAfterMs'> {
  const { code, retryAfterMs } = isStreamError(error) ? error : new StreamError('call_failed', messageOf(error));
  return { code, message: withoutSecrets(messageOf(error)), retryAfterMs };
}
