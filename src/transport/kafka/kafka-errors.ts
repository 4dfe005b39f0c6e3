import { type ErrorCode, isStreamError, messageOf, TransportError } from '../../errors.ts';

type TransportCode = Extract<
  ErrorCode,
  | 'transport_unavailable'
  | 'transport_failed'
  | 'authentication_failed'
  | 'unknown_topic'
  | 'record_too_large'
  | 'record_rejected'
  | 'fenced'
>;

/** What a broker's answer means to us, by the protocol's error name; what is absent is decided by its retriable flag. */
const byProtocolType: Readonly<Record<string, TransportCode>> = {
  MESSAGE_TOO_LARGE: 'record_too_large',
  RECORD_LIST_TOO_LARGE: 'record_too_large',
  INVALID_RECORD: 'record_rejected', // a compacted topic without a key, for one
  INVALID_TIMESTAMP: 'record_rejected',
  UNKNOWN_TOPIC_OR_PARTITION: 'unknown_topic',
  INVALID_TOPIC_EXCEPTION: 'unknown_topic',
  INVALID_PRODUCER_EPOCH: 'fenced',
  PRODUCER_FENCED: 'fenced',
  INVALID_PRODUCER_ID_MAPPING: 'fenced',
  TRANSACTION_COORDINATOR_FENCED: 'fenced',
  FENCED_INSTANCE_ID: 'fenced',
  SASL_AUTHENTICATION_FAILED: 'authentication_failed',
  UNSUPPORTED_SASL_MECHANISM: 'authentication_failed',
  ILLEGAL_SASL_STATE: 'authentication_failed',
  TOPIC_AUTHORIZATION_FAILED: 'authentication_failed',
  GROUP_AUTHORIZATION_FAILED: 'authentication_failed',
  CLUSTER_AUTHORIZATION_FAILED: 'authentication_failed',
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 'authentication_failed',
  INCONSISTENT_GROUP_PROTOCOL: 'transport_failed',
  INVALID_TRANSACTION_TIMEOUT: 'transport_failed',
  // not retriable for kafkajs, but a new producer, a new coordinator or a moment later may do
  OUT_OF_ORDER_SEQUENCE_NUMBER: 'transport_unavailable',
  INVALID_TXN_STATE: 'transport_unavailable', // its writer is spent; the next one finds out what became of the transaction
  UNKNOWN_PRODUCER_ID: 'transport_unavailable',
  NOT_COORDINATOR_FOR_GROUP: 'transport_unavailable',
  GROUP_LOAD_IN_PROGRESS: 'transport_unavailable',
  UNKNOWN_MEMBER_ID: 'transport_unavailable',
  ILLEGAL_GENERATION: 'transport_unavailable',
  REBALANCE_IN_PROGRESS: 'transport_unavailable',
  REQUEST_TIMED_OUT: 'transport_unavailable',
  NOT_ENOUGH_REPLICAS: 'transport_unavailable',
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: 'transport_unavailable',
  BROKER_NOT_AVAILABLE: 'transport_unavailable',
  KAFKA_STORAGE_ERROR: 'transport_unavailable',
};

/** Names of the protocol that are younger than kafkajs, by what it says of them. */
const sinceKafkaJs: Readonly<Record<string, string>> = { 'Unknown error code 90': 'PRODUCER_FENCED' };

/** The same by the name of kafkajs's error class. */
const byName: Readonly<Record<string, TransportCode>> = {
  KafkaJSSASLAuthenticationError: 'authentication_failed',
  KafkaJSMetadataNotLoaded: 'transport_unavailable',
  KafkaJSTopicMetadataNotLoaded: 'transport_unavailable',
  KafkaJSConnectionError: 'transport_unavailable',
  KafkaJSConnectionClosedError: 'transport_unavailable',
  KafkaJSRequestTimeoutError: 'transport_unavailable',
  KafkaJSLockTimeout: 'transport_unavailable',
  KafkaJSTimeout: 'transport_unavailable',
  KafkaJSBrokerNotFound: 'transport_unavailable',
  KafkaJSNoBrokerAvailableError: 'transport_unavailable',
  KafkaJSGroupCoordinatorNotFound: 'transport_unavailable',
  KafkaJSNotImplemented: 'transport_failed',
};

/** The same by the message, for what kafkajs throws as a bare Error. */
const byMessage: Readonly<Record<string, TransportCode>> = {
  'Broker not connected': 'transport_unavailable', // the connection went while a request waited for it
};

const unreachable: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refused the connection; is a broker running there?',
  ENOTFOUND: 'has a host name that cannot be resolved; is it spelled right?',
  EAI_AGAIN: 'has a host name that cannot be resolved just now',
  ETIMEDOUT: 'did not answer in time; is a firewall between?',
  EHOSTUNREACH: 'cannot be reached from this network',
  ENETUNREACH: 'cannot be reached from this network',
  ECONNRESET: 'closed the connection; does this listener speak TLS (option tls), or should another be named?',
  EPIPE: 'closed the connection',
};

/** What OpenSSL and Node call a failure of TLS, what it is, and what to do. The first that fits. */
const tlsFailures: readonly (readonly [RegExp, string])[] = [
  [/WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG/, 'does not speak TLS there; leave tls out, or name its TLS listener'],
  [/CERT_HAS_EXPIRED/, 'has a certificate that has expired; it needs a new one (or this clock is wrong)'],
  [/CERT_NOT_YET_VALID/, 'has a certificate that is not valid yet; is this clock right?'],
  [/ALTNAME_INVALID/, 'has a certificate for another name; reach it by that name, or give the name in tls.serverName'],
  [/ALERT.*(PROTOCOL_VERSION|HANDSHAKE_FAILURE)/, 'agrees to no version or cipher of TLS that is offered'],
  // the broker speaks: it is ours that it does not like
  [/ALERT/, 'did not accept our certificate; give tls.cert and tls.key of an authority that it knows'],
  [
    /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|ERR_TLS|ERR_SSL|ERR_OSSL/,
    'has a certificate of an authority that is not known here; give that in tls.ca',
  ],
];

interface Clue {
  readonly code?: unknown;
  readonly type?: unknown;
  readonly name?: unknown;
  readonly broker?: unknown;
  readonly retriable?: unknown;
  readonly message?: unknown;
}

/** The one place that says what a failure of kafkajs is. `doing` completes "cannot …"; `brokers` are the configured ones. */
export function toTransportError(error: unknown, doing: string, brokers: readonly string[]): TransportError {
  if (error instanceof TransportError) return error;
  if (isStreamError(error)) return new TransportError(error.code, error.message, { cause: error });
  const chain = causes(error);
  return (
    systemError(chain, doing, brokers, error) ??
    protocolError(chain, doing, error) ??
    namedError(chain, doing, brokers, error) ??
    new TransportError(
      chain.some((one) => one.retriable === true) ? 'transport_unavailable' : 'transport_failed',
      `cannot ${doing}: ${messageOf(error)}`,
      { cause: error },
    )
  );
}

/** Whether no restart of a client changes that. */
export const isFinal = ({ code }: TransportError): boolean => code === 'authentication_failed' || code === 'fenced';

/** kafkajs wraps errors in retry errors and puts what happened into `cause`, `errors` or `originalError`. Bounded, as a chain may be a ring. */
function causes(error: unknown): readonly Clue[] {
  const chain: Clue[] = [];
  let next: unknown = error;
  while (typeof next === 'object' && next !== null && chain.length < 10 && !chain.includes(next)) {
    chain.push(next);
    if ('errors' in next && Array.isArray(next.errors) && next.errors.length > 0) next = next.errors[0];
    else next = 'cause' in next ? next.cause : undefined;
  }
  return chain;
}

function systemError(chain: readonly Clue[], doing: string, brokers: readonly string[], cause: unknown): TransportError | undefined {
  for (const { code, broker } of chain) {
    if (typeof code !== 'string') continue;
    const which = typeof broker === 'string' ? `broker ${broker}` : `a broker of ${brokers.join(', ')}`;
    const why = unreachable[code];
    if (why !== undefined) {
      const text = `cannot ${doing}: ${which} ${why} (${code}; option brokers is ${brokers.join(', ')})`;
      return new TransportError('transport_unavailable', text, { cause });
    }
    const failure = tlsFailures.find(([codes]) => codes.test(code));
    if (failure) return new TransportError('authentication_failed', `cannot ${doing}: ${which} ${failure[1]} (${code})`, { cause });
  }
  return undefined;
}

function protocolError(chain: readonly Clue[], doing: string, cause: unknown): TransportError | undefined {
  for (const { type, message } of chain) {
    if (typeof type !== 'string') continue;
    const said = (typeof message === 'string' && sinceKafkaJs[message]) || type;
    const code = byProtocolType[said];
    if (code === undefined) continue;
    return new TransportError(
      code,
      `cannot ${doing}: the broker says ${said}${typeof message === 'string' ? `, ${message}` : ''}${typeHints[type] ?? hints[code] ?? ''}`,
      { cause },
    );
  }
  return undefined;
}

const allow = (what: string): string => `; allow the user ${what} (kafka-acls --add), or take another user in the option sasl`;

/** Where the code alone says too little. */
const typeHints: Readonly<Record<string, string>> = {
  ILLEGAL_SASL_STATE: '; this listener asks for no login: leave the option sasl out, or name another listener',
  UNSUPPORTED_SASL_MECHANISM: '; choose another in sasl.mechanism, or name another listener',
  INCONSISTENT_GROUP_PROTOCOL: '; all members of a group must be Millrace: stop the other client, or take another groupId',
  INVALID_TRANSACTION_TIMEOUT: '; exactly-once asks for 60 s: set transaction.max.timeout.ms of the brokers to 60000 at least',
  TOPIC_AUTHORIZATION_FAILED: allow('Read on topics that are read, Write on topics that are written'),
  GROUP_AUTHORIZATION_FAILED: allow('Read on the group'),
  CLUSTER_AUTHORIZATION_FAILED: allow('Write on the topics that are written, and Create on those that are to be created'),
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: allow("Write on the transactional ids, which begin with the group's name and a dash"),
};

const hints: Partial<Record<TransportCode, string>> = {
  unknown_topic: '; create the topic, or check its name',
  authentication_failed: '; check the option sasl',
  record_too_large: "; the topic's max.message.bytes says how large a record may be",
};

function namedError(chain: readonly Clue[], doing: string, brokers: readonly string[], cause: unknown): TransportError | undefined {
  for (const { name, message, broker } of chain) {
    if (typeof name !== 'string') continue;
    const code = byName[name] ?? (typeof message === 'string' ? byMessage[message] : undefined);
    if (code === undefined) continue;
    const where = typeof broker === 'string' ? broker : brokers.join(', ');
    const said = typeof message === 'string' ? message : name;
    const hint =
      code === 'transport_unavailable'
        ? ` (brokers: ${where}; is the cluster up, and does this listener ask for TLS or a login, options tls and sasl?)`
        : (hints[code] ?? '');
    return new TransportError(code, `cannot ${doing}: ${said}${hint}`, { cause });
  }
  return undefined;
}

/** The broker's name for an error, wherever kafkajs put it. */
export function protocolTypeOf(error: unknown): string | undefined {
  const found = causes(error).find((one) => typeof one.type === 'string');
  return typeof found?.type === 'string' ? found.type : undefined;
}
