import type { ConnectionOptions } from 'node:tls';
import type { Kafka, KafkaConfig, LogEntry, SASLOptions } from 'kafkajs';
import { allowBatchBytes, loadKafkaJs } from './kafkajs.ts';
import type { KafkaSasl, KafkaTls, ResolvedKafkaOptions } from './kafka-options.ts';

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
  const { tls, sasl } = options;
  if (tls !== false) config.ssl = tls === true ? true : tlsOptions(tls);
  if (sasl) config.sasl = saslOptions(sasl);
  return new Kafka(config);
}

function tlsOptions({ ca, cert, key, passphrase, serverName }: KafkaTls): ConnectionOptions {
  return {
    ...(ca === undefined ? {} : { ca: typeof ca === 'string' ? ca : [...ca] }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(serverName === undefined ? {} : { servername: serverName }),
  };
}

function saslOptions(sasl: KafkaSasl): SASLOptions {
  if (sasl.mechanism !== 'oauthbearer') return { mechanism: sasl.mechanism, username: sasl.username, password: sasl.password };
  return { mechanism: 'oauthbearer', oauthBearerProvider: async () => ({ value: await sasl.token() }) };
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
