import { currentScope } from '../../call.ts';

/** A connection that was never made: nothing was sent, so nothing was counted. */
const unsent: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** A `fetch` that tells the budgets around a call what the headers say, and when nothing could be sent. */
export const meteredFetch =
  (given: typeof fetch): typeof fetch =>
  async (input, init) => {
    const { meter } = currentScope(); // travels with the subscription, through the client's promises
    try {
      const response = await given(input, init);
      meter?.observe(response.headers);
      return response;
    } catch (error) {
      if (isUnsent(error)) meter?.sent(false);
      throw error;
    }
  };

function isUnsent(error: unknown): boolean {
  const cause: unknown = error instanceof Error ? error.cause : undefined;
  if (cause instanceof AggregateError) return cause.errors.length > 0 && cause.errors.every(hasUnsentCode); // one for each address
  return hasUnsentCode(cause);
}

const hasUnsentCode = (cause: unknown): boolean => typeof cause === 'object' && cause !== null && 'code' in cause && unsent.has(cause.code);
