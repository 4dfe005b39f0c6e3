import { type OptionNames, requireMethods, requireObject, requireOptions } from '../check-options.ts';
import { type Clock, systemClock } from '../clock.ts';
import { OptionError, requireInteger, requireText } from '../errors.ts';
import type { Model } from '../inference/model.ts';
import type { Resource } from '../resource.ts';
import { createLogger, type Log } from '../runtime/logging.ts';
import type { ServiceKey } from './callers.ts';
import { type ResolvedTopics, resolveTopics, type ServedTopics } from './served-topics.ts';

export interface ServeModelsOptions {
  /** By the names that clients ask for; the first answers those who name none. 1 to 100. */
  readonly models: Readonly<Record<string, Resource<Model>>>;
  /** 0 to 65,535; 0: any that is free. @defaultValue 8080 */
  readonly port?: number;
  /** The address to listen at; without `keys` one of this machine alone. Nothing is encrypted: put a proxy in front that does. @defaultValue '127.0.0.1' */
  readonly host?: string;
  /** Who may use it. @defaultValue none: everybody on this machine */
  readonly keys?: readonly ServiceKey[];
  /** Topics that clients may write and read. @defaultValue none */
  readonly topics?: ServedTopics;
  /** Calls of one model at once, 1 to 4,096. @defaultValue as many as the model says it has places for, else 8 */
  readonly concurrency?: number;
  /** Requests that may wait for a model, 0 to 100,000; more are refused with 429 and Retry-After. @defaultValue 256 */
  readonly maxWaiting?: number;
  /** Longest answer in tokens; requests for more get this many. @defaultValue 4,096 */
  readonly maxTokens?: number;
  /** Largest body in bytes, 1,024 to 256 MiB. @defaultValue 1 MiB */
  readonly maxBodyBytes?: number;
  /** Connections at once, 1 to 100,000. @defaultValue 2,048 */
  readonly maxConnections?: number;
  /** Longest time from a request to the end of its answer, waits included, in ms. @defaultValue 600,000 */
  readonly requestTimeoutMs?: number;
  /** How long a stream of `/v1/generate` goes on without its reader, in ms. @defaultValue 15,000 */
  readonly resumeMs?: number;
  /** How long its answer is kept after its end, in ms. @defaultValue 60,000 */
  readonly keepMs?: number;
  /** A client that takes nothing for so long is dropped, in ms; at least 100. @defaultValue 30,000 */
  readonly slowReaderMs?: number;
  /** @defaultValue the system clock */
  readonly clock?: Clock;
  /** @defaultValue structured lines on stderr, warnings and errors */
  readonly log?: Log;
  /** Gives the start up. @defaultValue nothing does */
  readonly signal?: AbortSignal;
}

export interface ResolvedServiceOptions extends Omit<Required<ServeModelsOptions>, 'models' | 'concurrency' | 'signal' | 'topics'> {
  readonly models: ReadonlyMap<string, Resource<Model>>;
  readonly concurrency: number | undefined;
  readonly topics: ResolvedTopics | undefined;
  readonly signal: AbortSignal;
}

const names: OptionNames<ServeModelsOptions> = {
  models: true,
  port: true,
  host: true,
  keys: true,
  topics: true,
  concurrency: true,
  maxWaiting: true,
  maxTokens: true,
  maxBodyBytes: true,
  maxConnections: true,
  requestTimeoutMs: true,
  resumeMs: true,
  keepMs: true,
  slowReaderMs: true,
  clock: true,
  log: true,
  signal: true,
};

const defaults = {
  port: 8080,
  host: '127.0.0.1',
  maxWaiting: 256, // minutes of work for any model; who comes later is better off elsewhere
  maxTokens: 4_096,
  maxBodyBytes: 1024 * 1024,
  maxConnections: 2_048,
  requestTimeoutMs: 600_000, // as long as OpenAI's clients wait
  resumeMs: 15_000,
  keepMs: 60_000,
  slowReaderMs: 30_000,
} as const;

const mostModels = 100;
const loopback = /^(localhost|::1|127(\.\d{1,3}){3})$/i;

/** Whether an address can be reached from this machine alone. */
const isLoopback = (host: string): boolean => loopback.test(host);

/** @throws OptionError for options out of range, and for other machines without keys. */
export function resolveServiceOptions(given: ServeModelsOptions): ResolvedServiceOptions {
  requireOptions('serveModels', given, names);
  const {
    models,
    concurrency,
    keys = [],
    topics,
    clock = systemClock,
    log = createLogger({ level: 'warn' }),
    signal = new AbortController().signal,
  } = given;
  const numbers = { ...defaults, ...withoutUndefined(given) };
  const { port, host, maxWaiting, maxTokens, maxBodyBytes, maxConnections, requestTimeoutMs, resumeMs, keepMs, slowReaderMs } = numbers;
  requireInteger('port', port, 0, 65_535);
  requireText('host', host);
  if (concurrency !== undefined) requireInteger('concurrency', concurrency, 1, 4_096);
  requireInteger('maxWaiting', maxWaiting, 0, 100_000);
  requireInteger('maxTokens', maxTokens, 1, 1_000_000);
  requireInteger('maxBodyBytes', maxBodyBytes, 1_024, 256 * 1024 * 1024);
  requireInteger('maxConnections', maxConnections, 1, 100_000);
  requireInteger('requestTimeoutMs', requestTimeoutMs, 1);
  requireInteger('resumeMs', resumeMs, 0);
  requireInteger('keepMs', keepMs, 0);
  requireInteger('slowReaderMs', slowReaderMs, 100);
  if (!Array.isArray(keys)) throw new OptionError('keys must be a list of { name, key }');
  if (keys.length === 0 && !isLoopback(host))
    throw new OptionError(
      `without keys the service listens on this machine alone (127.0.0.1, localhost, ::1), got host ${host}: give it keys, or leave host out`,
    );
  return {
    models: resolveModels(models),
    topics: topics === undefined ? undefined : resolveTopics(topics),
    ...{ port, host, keys, concurrency, maxWaiting, maxTokens, maxBodyBytes, maxConnections },
    ...{ requestTimeoutMs, resumeMs, keepMs, slowReaderMs, clock, log, signal },
  };
}

function resolveModels(models: ServeModelsOptions['models']): ReadonlyMap<string, Resource<Model>> {
  requireObject('models', models);
  const all = Object.entries(models);
  if (all.length === 0 || all.length > mostModels)
    throw new OptionError(`models must be 1 to ${String(mostModels)}, got ${String(all.length)}`);
  for (const [name, model] of all) {
    if (!/^[!-~]{1,256}$/.test(name)) throw new OptionError(`the name of a model must be visible ASCII, got ${JSON.stringify(name)}`);
    requireMethods(`models.${name}`, model, ['open'], 'a model as a resource, as llama({ … }) is');
  }
  return new Map(all);
}

const withoutUndefined = (given: ServeModelsOptions): Partial<ServeModelsOptions> =>
  Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
