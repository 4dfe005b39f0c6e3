import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { type OptionNames, requireBoolean, requireFunction, requireOptions } from '../../check-options.ts';
import { type Clock, systemClock } from '../../clock.ts';
import { messageOf, OptionError, requireInteger, requireNumber, requireText } from '../../errors.ts';

/** Where a schema registry is, and how to be let in. */
export interface RegistryOptions {
  /**
   * As `https://host:8081`, with a path where the registry has one (Apicurio: `…/apis/ccompat/v7`; Confluent, for a context: `…/contexts/.name`). Of several, which are one
   * registry at several places, the one that answered last is asked first. A user and a password may stand in it. @defaultValue the environment's MILLRACE_SCHEMA_REGISTRY_URL, parts at commas
   */
  readonly url?: string | readonly string[];
  /** @defaultValue what stands in `url`; else the environment's MILLRACE_SCHEMA_REGISTRY_TOKEN, or _USERNAME and _PASSWORD; else none */
  readonly auth?: RegistryAuth;
  /** @defaultValue the system's certificate authorities, and the environment's MILLRACE_SCHEMA_REGISTRY_CA as text */
  readonly tls?: RegistryTls;
  /** Sends a password or a token over an unencrypted connection to another machine. @defaultValue false: refused */
  readonly allowPlaintextPassword?: boolean;
  /** For one answer, from the first byte sent to the last received, in ms; at least 1. @defaultValue 5,000 */
  readonly requestTimeoutMs?: number;
  /** Most tries of one question, all places together; at least 1. What waits for an answer asks again later. @defaultValue 4, or one for each place */
  readonly attempts?: number;
  /** Longest wait before the second try, in ms; doubles from there up to 2 s. What `Retry-After` asks is heeded up to 5 s. @defaultValue 100 */
  readonly retryMs?: number;
  /** Most bytes of one answer; at least 1,024. @defaultValue 4 MiB */
  readonly maxAnswerBytes?: number;
  /** How old `latest` may be, in ms; 0 asks each time. @defaultValue 60,000 */
  readonly latestMaxAgeMs?: number;
  /** How long an id that the registry does not know is not asked for again, in ms. @defaultValue 10,000 */
  readonly unknownForMs?: number;
  /** Has the registry rewrite schemas into one form before it compares them (Confluent's `normalize=true`). @defaultValue false */
  readonly normalize?: boolean;
  /** @defaultValue the machine's */
  readonly clock?: Clock;
}

export type RegistryAuth =
  | { readonly username: string; readonly password: string }
  /** A function is called for each request, and may keep its token as long as it is good. */
  | { readonly token: string | (() => string | Promise<string>) };

/** PEM texts, not file names. */
export interface RegistryTls {
  readonly ca?: string | readonly string[];
  readonly cert?: string;
  readonly key?: string;
  readonly passphrase?: string;
  /** The name that the registry's certificate carries, where it is not its host name. */
  readonly serverName?: string;
}

/** One place where the registry is: nothing secret in it. */
export interface Place {
  readonly origin: URL;
  /** Of all paths, without a slash at its end. */
  readonly prefix: string;
  /** For messages. */
  readonly shown: string;
}

export interface ResolvedRegistryOptions extends Required<Omit<RegistryOptions, 'url' | 'auth' | 'tls' | 'allowPlaintextPassword'>> {
  readonly places: readonly [Place, ...Place[]];
  readonly auth: RegistryAuth | undefined;
  readonly tls: RegistryTls;
}

type Environment = Readonly<Record<string, string | undefined>>;

const names: OptionNames<RegistryOptions> = {
  url: true,
  auth: true,
  tls: true,
  allowPlaintextPassword: true,
  requestTimeoutMs: true,
  attempts: true,
  retryMs: true,
  maxAnswerBytes: true,
  latestMaxAgeMs: true,
  unknownForMs: true,
  normalize: true,
  clock: true,
};
const tlsNames: OptionNames<RegistryTls> = { ca: true, cert: true, key: true, passphrase: true, serverName: true };
const variable = 'MILLRACE_SCHEMA_REGISTRY_';
const mostPlaces = 16;

/** @throws OptionError, which says what was expected, and never a password */
export function resolveRegistryOptions(options: RegistryOptions, env: Environment): ResolvedRegistryOptions {
  requireOptions('registry', options, names);
  const { url = env[`${variable}URL`]?.split(','), allowPlaintextPassword = false, normalize = false, clock = systemClock } = options;
  const urls = parseUrls(typeof url === 'string' ? [url] : url);
  const { requestTimeoutMs = 5_000, attempts = Math.max(4, urls.length), retryMs = 100 } = options;
  const { maxAnswerBytes = 4 * 1024 * 1024, latestMaxAgeMs = 60_000, unknownForMs = 10_000 } = options;
  requireInteger('registry.requestTimeoutMs', requestTimeoutMs, 1);
  requireInteger('registry.attempts', attempts, 1);
  requireNumber('registry.retryMs', retryMs, 0);
  requireInteger('registry.maxAnswerBytes', maxAnswerBytes, 1_024);
  requireNumber('registry.latestMaxAgeMs', latestMaxAgeMs, 0);
  requireNumber('registry.unknownForMs', unknownForMs, 0);
  requireBoolean('registry.normalize', normalize);
  requireBoolean('registry.allowPlaintextPassword', allowPlaintextPassword);
  const auth = authOf(options.auth, urls, env);
  if (auth && !allowPlaintextPassword) for (const one of urls) requireEncrypted(one);
  const tls = tlsOf(options.tls, env);
  const places = urls.map(placeOf) as [Place, ...Place[]];
  return {
    ...{ places, auth, tls, requestTimeoutMs, attempts, retryMs, maxAnswerBytes, latestMaxAgeMs, unknownForMs, normalize, clock },
  };
}

function parseUrls(given: readonly string[] | undefined): readonly URL[] {
  if (!Array.isArray(given) || given.length === 0 || given.length > mostPlaces)
    throw new OptionError(
      `registry.url must say where the schema registry is, as https://host:8081, or up to ${String(mostPlaces)} such; or set ${variable}URL`,
    );
  return given.map((text: unknown) => {
    const url = typeof text === 'string' && URL.canParse(text.trim()) ? new URL(text.trim()) : undefined;
    if (url && /^https?:$/.test(url.protocol) && url.search === '' && url.hash === '') return url;
    throw new OptionError('registry.url must be http(s)://host:port and perhaps a path, without query; got something else');
  });
}

const placeOf = (url: URL): Place => {
  const prefix = url.pathname.replace(/\/+$/, '');
  return { origin: new URL(url.origin), prefix, shown: `${url.host}${prefix}` };
};

function authOf(given: RegistryAuth | undefined, urls: readonly URL[], env: Environment): RegistryAuth | undefined {
  const inUrl = urls.find(({ username, password }) => username !== '' || password !== '');
  if (given === undefined && inUrl) return { username: decoded(inUrl.username), password: decoded(inUrl.password) };
  const auth = given ?? authOfEnvironment(env);
  if (auth === undefined) return undefined;
  requireOptions('registry.auth', auth as object, { username: true, password: true, token: true });
  if ('token' in auth) {
    if ('username' in auth) throw new OptionError('registry.auth is { username, password } or { token }, not both');
    if (typeof auth.token !== 'string') requireFunction('registry.auth.token', auth.token, 'that resolves with a token');
    else if (!/^[!-~]+$/.test(auth.token)) throw new OptionError('registry.auth.token must be a non-empty text of printable characters');
    return auth;
  }
  requireText('registry.auth.username', auth.username);
  if (auth.username.includes(':')) throw new OptionError('registry.auth.username must not contain a colon');
  if (typeof auth.password !== 'string') throw new OptionError('registry.auth.password must be a string');
  return auth;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function authOfEnvironment(env: Environment): RegistryAuth | undefined {
  const [token, username, password] = [env[`${variable}TOKEN`], env[`${variable}USERNAME`], env[`${variable}PASSWORD`]];
  if (token !== undefined && token !== '') return { token };
  return username === undefined || username === '' ? undefined : { username, password: password ?? '' };
}

function requireEncrypted({ protocol, hostname, host }: URL): void {
  if (protocol === 'https:' || /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/i.test(hostname)) return;
  throw new OptionError(`registry.auth would be sent unencrypted to ${host}: use https, or say allowPlaintextPassword: true`);
}

function tlsOf(given: RegistryTls | undefined, env: Environment): RegistryTls {
  const ca = env[`${variable}CA`];
  const tls = given ?? (ca === undefined || ca === '' ? {} : { ca });
  requireOptions('registry.tls', tls, tlsNames);
  if ((tls.cert === undefined) !== (tls.key === undefined)) throw new OptionError('registry.tls.cert and registry.tls.key need each other');
  for (const one of tls.ca === undefined ? [] : typeof tls.ca === 'string' ? [tls.ca] : tls.ca) requireCertificate(one);
  try {
    createSecureContext({
      ...(tls.cert !== undefined && { cert: tls.cert }),
      ...(tls.key !== undefined && { key: tls.key }),
      ...(tls.passphrase !== undefined && { passphrase: tls.passphrase }),
    });
  } catch (error) {
    throw new OptionError(`registry.tls: cert, key and passphrase do not fit, or are not PEM: ${messageOf(error)}`, { cause: error });
  }
  return tls;
}

function requireCertificate(ca: unknown): void {
  try {
    if (typeof ca !== 'string') throw new TypeError(`got ${typeof ca}`);
    new X509Certificate(ca);
  } catch (error) {
    throw new OptionError(`registry.tls.ca must be a certificate as PEM text, not the name of a file: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
