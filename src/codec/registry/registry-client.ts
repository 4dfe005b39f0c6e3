import { sleep } from '../../clock.ts';
import { isStreamError, messageOf, RegistryError } from '../../errors.ts';
import { withoutSecrets } from '../../without-secrets.ts';
import { HttpExchange, type HttpQuestion, NoAnswer } from './http-exchange.ts';
import { type JsonObject, judgeAnswer } from './judge-answer.ts';
import type { Place, RegistryAuth, ResolvedRegistryOptions } from './registry-options.ts';

const longestRetryMs = 2_000;
const accepted = 'application/vnd.schemaregistry.v1+json, application/vnd.schemaregistry+json, application/json';
const sent = 'application/vnd.schemaregistry.v1+json';

/** Asks one registry, at its places in turn, until one has answered or all tries are used up. Every question may be asked twice: registering finds what is there. */
export class RegistryClient {
  readonly #options: ResolvedRegistryOptions;
  readonly #http: HttpExchange;
  /** Where the last answer came from. */
  #first = 0;

  constructor(options: ResolvedRegistryOptions) {
    this.#options = options;
    const { clock, requestTimeoutMs, maxAnswerBytes } = options;
    this.#http = new HttpExchange(options.tls, { clock, timeoutMs: requestTimeoutMs, maxBytes: maxAnswerBytes });
  }

  /** @throws RegistryError; the signal's reason */
  async ask(method: 'GET' | 'POST', path: string, asked: string, signal: AbortSignal, body?: object): Promise<JsonObject> {
    const { places, attempts, clock } = this.#options;
    const from = this.#first;
    let rounds = 0;
    for (let attempt = 1; ; attempt++) {
      const index = (from + attempt - 1) % places.length;
      const place = places[index] ?? places[0];
      try {
        const answer = await this.#askAt(place, method, path, asked, signal, body);
        this.#first = index;
        return answer;
      } catch (error) {
        if (!mayPass(error, places.length) || attempt >= attempts) throw error;
        if (attempt % places.length !== 0 && error.retryAfterMs === undefined) continue; // another place may be well
        await sleep(clock, error.retryAfterMs ?? this.#waitMs(rounds), signal);
        rounds += 1;
      }
    }
  }

  /** Half of it is chance: many instances lose one registry at the same time. */
  #waitMs(rounds: number): number {
    const { retryMs } = this.#options;
    return Math.min(longestRetryMs, retryMs * 2 ** rounds) * (0.5 + Math.random() / 2);
  }

  async #askAt(place: Place, method: 'GET' | 'POST', path: string, asked: string, signal: AbortSignal, body?: object): Promise<JsonObject> {
    const { auth, clock } = this.#options;
    try {
      const access = auth && (await accessOf(auth));
      const headers = {
        accept: accepted,
        ...(body && { 'content-type': sent }),
        ...(access && { authorization: access.authorization }),
      };
      const question: HttpQuestion = { method, path, headers, body: body && JSON.stringify(body) };
      return judgeAnswer(await this.#http.ask(place, question, signal), place.shown, asked, clock.nowMs(), access?.secrets);
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      if (isOfCertificate(error.cause))
        throw new RegistryError(
          'registry_failed',
          `the schema registry at ${place.shown} is not trusted: ${error.message}; registry.tls.ca (MILLRACE_SCHEMA_REGISTRY_CA) is the authority that its certificate is of, serverName the name in it`,
          { cause: error.cause },
        );
      throw new RegistryError(
        'registry_unavailable',
        `the schema registry at ${place.shown} gives no answer: ${error.message}${whereToLook(error)}`,
        {
          cause: error.cause,
        },
      );
    }
  }
}

/** Nobody is there, or the name is nobody's. */
const whereToLook = ({ message }: NoAnswer): string =>
  /^(?:ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH)$/.test(message)
    ? '; does it run there, as registry.url (MILLRACE_SCHEMA_REGISTRY_URL) says?'
    : '';

/** A certificate that is not trusted is a setting of ours or of theirs, and no outage; but another place may have a good one. */
const mayPass = (error: unknown, places: number): error is RegistryError =>
  isStreamError(error) && (error.code === 'registry_unavailable' || (places > 1 && isOfCertificate(error.cause)));

/** As Node and OpenSSL call them. */
const ofCertificates = /CERT_|_CERT\b|CERTIFICATE|ISSUER|CERT$/;
const isOfCertificate = (cause: unknown): boolean =>
  cause instanceof Error &&
  'code' in cause &&
  typeof cause.code === 'string' &&
  !cause.code.startsWith('ERR_SSL') &&
  (ofCertificates.test(cause.code) || cause.code === 'UNABLE_TO_VERIFY_LEAF_SIGNATURE');

const shortestSecret = 4; // shorter ones may be a part of any word

/** The header, and what of it a server may not tell back. */
async function accessOf(auth: RegistryAuth): Promise<{ readonly authorization: string; readonly secrets: readonly string[] }> {
  const isLong = ({ length }: string): boolean => length >= shortestSecret;
  if ('username' in auth) {
    const pair = `${auth.username}:${auth.password}`;
    return { authorization: `Basic ${Buffer.from(pair, 'utf8').toString('base64')}`, secrets: [pair, auth.password].filter(isLong) };
  }
  const token = typeof auth.token === 'string' ? auth.token : await ownToken(auth.token);
  return { authorization: `Bearer ${token}`, secrets: [token].filter(isLong) };
}

async function ownToken(make: () => string | Promise<string>): Promise<string> {
  let token: unknown;
  try {
    token = await make();
  } catch (error) {
    throw new RegistryError('registry_unavailable', `registry.auth.token gave no token: ${withoutSecrets(messageOf(error))}`);
  }
  if (typeof token === 'string' && /^[!-~]+$/.test(token)) return token;
  throw new RegistryError('authentication_failed', 'registry.auth.token must resolve with a non-empty text of printable characters');
}
