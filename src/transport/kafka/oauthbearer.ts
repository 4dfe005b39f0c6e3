import type { AuthenticationProviderArgs, Authenticator } from 'kafkajs';
import { sleep, systemClock } from '../../clock.ts';
import { messageOf, TransportError } from '../../errors.ts';

const separator = '\u0001';

/**
 * SASL OAUTHBEARER (RFC 7628) with a token asked for at each login. kafkajs has its own, which takes a refusal for a
 * success and a token that never comes for patience: the connection is then cut at the next request, with no reason given.
 * @throws (while connecting) TransportError `transport_unavailable` for a token that does not come, `authentication_failed` for one that is refused
 */
export function oauthBearer(token: () => Promise<string>, patienceMs: number) {
  return ({ host, port, saslAuthenticate }: AuthenticationProviderArgs): Authenticator => ({
    authenticate: async () => {
      const bearer = await ask(token, patienceMs);
      const refusal = await saslAuthenticate<string>({
        request: { encode: () => sized(`n,,${separator}auth=Bearer ${bearer}${separator}${separator}`) },
        response: { decode: (bytes) => bytes, parse: (bytes) => bytes.subarray(4).toString() },
      });
      if (typeof refusal !== 'string' || refusal === '') return;
      // the exchange has to be ended before the broker lets go of the connection
      await saslAuthenticate({ request: { encode: () => sized(separator) } }).catch(() => undefined);
      throw new TransportError(
        'authentication_failed',
        `cannot log in: broker ${host}:${String(port)} did not accept the token (${statusOf(refusal)}); check what sasl.token gives, and this clock`,
      );
    },
  });
}

/** With its length before it. */
function sized(text: string): Buffer {
  const size = Buffer.alloc(4);
  size.writeInt32BE(Buffer.byteLength(text));
  return Buffer.concat([size, Buffer.from(text)]);
}

async function ask(token: () => Promise<string>, patienceMs: number): Promise<string> {
  const over = new AbortController();
  const late = async (): Promise<never> => {
    await sleep(systemClock, patienceMs, over.signal);
    throw new Error(`it was not there after ${String(patienceMs)} ms`);
  };
  const waiting = late();
  waiting.catch(() => undefined);
  let bearer: unknown;
  try {
    bearer = await Promise.race([token(), waiting]);
  } catch (error) {
    throw new TransportError('transport_unavailable', `cannot get a token from sasl.token: ${messageOf(error)}`, { cause: error });
  } finally {
    over.abort();
  }
  if (typeof bearer === 'string' && /^[\x21-\x7e]+$/.test(bearer)) return bearer;
  const got = typeof bearer === 'string' ? 'one that is empty or holds what none may' : typeof bearer;
  throw new TransportError('authentication_failed', `cannot log in: sasl.token must resolve with a token, got ${got}`);
}

/** The broker answers with JSON, of which only this is told: the rest may repeat the token. */
function statusOf(refusal: string): string {
  try {
    const { status } = JSON.parse(refusal) as { readonly status?: unknown };
    return typeof status === 'string' ? status : 'no reason given';
  } catch {
    return 'no reason given';
  }
}
