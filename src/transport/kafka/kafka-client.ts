import type { Kafka, KafkaConfig, LogEntry, Mechanism, SASLOptions } from 'kafkajs';
import { allowBatchBytes, loadKafkaJs } from './kafkajs.ts';
import type { ResolvedKafkaOptions } from './kafka-options.ts';
import { oauthBearer } from './oauthbearer.ts';
import { tlsOptions } from './tls-options.ts';

/** Inside kafkajs only hiccups are retried, for about half a second; what lasts is our supervisors' affair, who tell of it. */
const shortRetry = { initialRetryTime: 100, maxRetryTime: 300, retries: 2 };

/** A kafkajs client with every unsafe default overridden; see kafka.ts for the list. It opens no connection. */
export function kafkaClient(options: ResolvedKafkaOptions, clientId: string = options.clientId): Kafka {
  const { Kafka, logLevel } = loadKafkaJs();
  allowBatchBytes(options.maxBatchBytes);
  const config: KafkaConfig = {
    clientId,
    brokers: [...options.brokers],
    connectionTimeout: options.connectTimeoutMs,
    requestTimeout: options.requestTimeoutMs,
    enforceRequestTimeout: true,
    retry: shortRetry,
    logLevel: options.log ? logLevel.WARN : logLevel.NOTHING,
    logCreator: () => (entry) => {
      tell(options, entry);
    },
  };
  const { tls } = options;
  if (tls !== false) config.ssl = tls === true ? true : tlsOptions(tls);
  const sasl = saslOptions(options);
  if (sasl) config.sasl = sasl;
  return new Kafka(config);
}

function saslOptions({ sasl, requestTimeoutMs }: ResolvedKafkaOptions): SASLOptions | Mechanism | undefined {
  if (sasl?.mechanism !== 'oauthbearer') return sasl as SASLOptions | undefined; // the same, one mechanism a type
  return { mechanism: 'oauthbearer', authenticationProvider: oauthBearer(sasl.token, requestTimeoutMs) };
}

/** Named fields only: what else kafkajs logs may hold payloads or credentials. */
const told = ['broker', 'clientId', 'groupId', 'memberId', 'topic', 'partition', 'error', 'retryCount', 'retryTime'] as const;

function tell({ log }: ResolvedKafkaOptions, { level, namespace, log: entry }: LogEntry): void {
  const details: Record<string, unknown> = { client: `kafkajs ${namespace}` };
  for (const field of told) {
    const value: unknown = entry[field];
    if (typeof value === 'string' || typeof value === 'number') details[field] = value;
  }
  // what matters of it is told through health, failed and rejections; here it is background
  log?.(level === loadKafkaJs().logLevel.ERROR ? 'warn' : 'debug', entry.message, details);
}
