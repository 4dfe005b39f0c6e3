import { type OptionNames, requireBoolean, requireOptions } from '../../check-options.ts';
import type { OpenContext } from '../../resource.ts';
import { OptionError, requireInteger, requireNumber, requireOneOf, requireText, withoutCredentials } from '../../errors.ts';
import type { TransportOptions } from '../transport.ts';
import { checkTls, type KafkaTls } from './tls-options.ts';

/** How to reach a Kafka cluster, and how patiently. Everything but `brokers` has a default. */
export interface KafkaOptions extends TransportOptions {
  /** Where to begin, as `host:port`; the other brokers of the cluster are found from there. */
  readonly brokers: readonly string[];
  /**
   * Told to the brokers for their logs and quotas. Of a group member it is the beginning of the client id: what follows says which
   * process, or which `instance`, it is (unless `instance` is false). @defaultValue `millrace`
   */
  readonly clientId?: string;
  /** True: with the system's certificate authorities. @defaultValue false */
  readonly tls?: boolean | KafkaTls;
  /** @defaultValue none */
  readonly sasl?: KafkaSasl;
  /** Sends a plain password or a token over an unencrypted connection to another machine. @defaultValue false: refused */
  readonly allowPlaintextPassword?: boolean;
  /** How long a silent member keeps its partitions; also how long a start may have to wait for them after another member's crash. 1,000 to 300,000. @defaultValue 10,000 */
  readonly sessionTimeoutMs?: number;
  /** Between heartbeats, at most a third of the session. It is also about what one rebalance takes. @defaultValue 300 */
  readonly heartbeatMs?: number;
  /** To open one connection. @defaultValue 3,000 */
  readonly connectTimeoutMs?: number;
  /** To wait for one answer. @defaultValue 15,000 */
  readonly requestTimeoutMs?: number;
  /** How long a first connection is tried before the transport says that the cluster is not there. @defaultValue 5,000 */
  readonly startPatienceMs?: number;
  /** Consecutive restarts of a broken consumer until it is given up; they are 0.25 s to 10 s apart. @defaultValue 20 */
  readonly maxRestarts?: number;
  /** Most bytes of one fetch over all partitions of one broker. @defaultValue 1 MiB */
  readonly maxFetchBytes?: number;
  /**
   * What one compressed batch may grow to, 128 bytes for each of its records included; a larger one is not read, and
   * told as an undecodable range. The largest value in a process holds for all its clients. @defaultValue 32 MiB
   */
  readonly maxBatchBytes?: number;
  /** Of the records written; snappy and lz4 are read only. @defaultValue none */
  readonly compression?: 'none' | 'gzip' | 'zstd';
  /** Gets the client's warnings and errors; never payloads or secrets. @defaultValue silent */
  readonly log?: OpenContext['log'];
}

export type KafkaSasl =
  | { readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'; readonly username: string; readonly password: string }
  /**
   * `token` resolves with a token that is good now. It is called for each new connection, and 10 s before the broker takes
   * the last one for outdated; what it rejects with is told, and tried again like a broker that is away.
   */
  | { readonly mechanism: 'oauthbearer'; readonly token: () => Promise<string> };

export type ResolvedKafkaOptions = Required<Omit<KafkaOptions, 'sasl' | 'log' | 'clock'>> & Pick<KafkaOptions, 'sasl' | 'log'>;

/** Of `sessionTimeoutMs`. */
export const sessionRangeMs = { min: 1_000, max: 300_000 } as const;

const defaults = {
  clientId: 'millrace',
  tls: false,
  allowPlaintextPassword: false,
  sessionTimeoutMs: 10_000, // kafkajs: 30 s, for which a restart after a crash looks hung
  heartbeatMs: 300, // kafkajs: 3 s; a rebalance takes about that long, measured 4 s at 2 s and 0.3 to 0.9 s at 300 ms
  connectTimeoutMs: 3_000, // kafkajs: 1 s, short for TLS across continents
  requestTimeoutMs: 15_000, // kafkajs: 30 s
  startPatienceMs: 5_000,
  maxRestarts: 20, // over two minutes: a rolling restart of a cluster, and a person who looks
  maxFetchBytes: 1024 * 1024, // kafkajs: 10 MiB, which 200-byte records make 30 MB of; no faster
  maxBatchBytes: 32 * 1024 * 1024, // 1 MiB of gzip can become 1 GiB; brokers take 1 MiB, so this is a ratio of 32, where JSON has 5 to 15
  compression: 'none',
} as const;

const names: OptionNames<KafkaOptions> = {
  brokers: true,
  clientId: true,
  tls: true,
  sasl: true,
  allowPlaintextPassword: true,
  sessionTimeoutMs: true,
  heartbeatMs: true,
  connectTimeoutMs: true,
  requestTimeoutMs: true,
  startPatienceMs: true,
  maxRestarts: true,
  maxFetchBytes: true,
  maxBatchBytes: true,
  compression: true,
  log: true,
  clock: true,
};

/** @throws OptionError, which says what was expected and what was given */
export function resolveKafkaOptions(options: KafkaOptions): ResolvedKafkaOptions {
  requireOptions('kafka', options, names);
  const resolved: ResolvedKafkaOptions = { ...defaults, ...options };
  checkBrokers(resolved.brokers);
  requireText('clientId', resolved.clientId);
  requireInteger('sessionTimeoutMs', resolved.sessionTimeoutMs, sessionRangeMs.min, sessionRangeMs.max);
  requireInteger('heartbeatMs', resolved.heartbeatMs, 50);
  if (resolved.heartbeatMs * 3 > resolved.sessionTimeoutMs) {
    throw new OptionError(
      `heartbeatMs must be at most a third of sessionTimeoutMs (${String(resolved.sessionTimeoutMs)}), got ${String(resolved.heartbeatMs)}`,
    );
  }
  requireInteger('connectTimeoutMs', resolved.connectTimeoutMs, 1);
  requireInteger('requestTimeoutMs', resolved.requestTimeoutMs, 1);
  requireNumber('startPatienceMs', resolved.startPatienceMs, 0);
  requireInteger('maxRestarts', resolved.maxRestarts, 0);
  requireInteger('maxFetchBytes', resolved.maxFetchBytes, 1_024);
  requireInteger('maxBatchBytes', resolved.maxBatchBytes, 1_048_576);
  requireOneOf('compression', resolved.compression, ['none', 'gzip', 'zstd']);
  if (typeof resolved.tls === 'object') checkTls(resolved.tls);
  else requireBoolean('tls', resolved.tls);
  requireBoolean('allowPlaintextPassword', resolved.allowPlaintextPassword);
  if (resolved.sasl) checkSasl(resolved.sasl, resolved);
  return resolved;
}

function checkBrokers(brokers: unknown): void {
  if (!Array.isArray(brokers) || brokers.length === 0)
    throw new OptionError('brokers must name at least one broker as host:port, got none');
  for (const broker of brokers as readonly unknown[]) {
    const port = typeof broker === 'string' ? Number(/^[^:\s@]+:(\d{1,5})$/.exec(broker)?.[1]) : Number.NaN;
    if (port >= 1 && port <= 65_535) continue;
    throw new OptionError(
      `brokers must be host:port (IPv6 by name only), got ${typeof broker === 'string' ? JSON.stringify(withoutCredentials(broker)) : typeof broker}`,
    );
  }
}

function checkSasl(sasl: KafkaSasl, { tls, brokers, allowPlaintextPassword }: ResolvedKafkaOptions): void {
  requireOneOf('sasl.mechanism', sasl.mechanism, ['plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer']);
  if (sasl.mechanism === 'oauthbearer') {
    if (typeof sasl.token !== 'function')
      throw new OptionError(`sasl.token must be a function that resolves with a token, got ${typeof sasl.token}`);
  } else {
    requireText('sasl.username', sasl.username);
    if (typeof sasl.password !== 'string' || sasl.password === '') throw new OptionError('sasl.password must be a non-empty string');
  }
  // SCRAM proves the password without sending it; the others send the secret itself
  if (sasl.mechanism.startsWith('scram') || tls !== false || allowPlaintextPassword) return;
  const remote = brokers.find((broker) => !isLoopback(broker));
  if (remote !== undefined) {
    throw new OptionError(
      `sasl ${sasl.mechanism} would send its secret unencrypted to ${remote}: set tls, use scram-sha-512, or say allowPlaintextPassword: true`,
    );
  }
}

const isLoopback = (broker: string): boolean => /^(localhost|127(\.\d{1,3}){3}):/i.test(broker);
