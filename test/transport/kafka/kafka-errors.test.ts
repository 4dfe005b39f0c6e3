import { describe, expect, it } from 'vitest';
import { RecordError, TransportError } from '../../../src/errors.ts';
import { protocolTypeOf, toTransportError } from '../../../src/transport/kafka/kafka-errors.ts';
import { loadKafkaJs } from '../../../src/transport/kafka/kafkajs.ts';

const { KafkaJSProtocolError, KafkaJSNonRetriableError } = loadKafkaJs();
const brokers = ['one:9092', 'two:9092'];

const answered = (type: string, retriable = false): Error =>
  new KafkaJSProtocolError(Object.assign(new Error(`text of ${type}`), { type, code: 1, retriable }));
const named = (name: string, extra: object = {}): Error => Object.assign(new Error(`text of ${name}`), { name }, extra);
const wrapped = (cause: Error): Error => Object.assign(new KafkaJSNonRetriableError('gave up'), { cause });

describe('toTransportError', () => {
  it.each([
    ['a size', answered('MESSAGE_TOO_LARGE'), 'record_too_large', 'max.message.bytes'],
    ['a size of all', answered('RECORD_LIST_TOO_LARGE'), 'record_too_large', 'RECORD_LIST_TOO_LARGE'],
    ['a refused record', answered('INVALID_RECORD'), 'record_rejected', 'INVALID_RECORD'],
    ['a missing topic', answered('UNKNOWN_TOPIC_OR_PARTITION', true), 'unknown_topic', 'create the topic'],
    ['a bad topic name', answered('INVALID_TOPIC_EXCEPTION'), 'unknown_topic', 'INVALID_TOPIC_EXCEPTION'],
    ['a fenced producer', answered('INVALID_PRODUCER_EPOCH'), 'fenced', 'INVALID_PRODUCER_EPOCH'],
    [
      'a fenced producer, by a name that kafkajs does not know',
      Object.assign(answered('KAFKAJS_UNKNOWN_ERROR_CODE'), { message: 'Unknown error code 90' }),
      'fenced',
      'PRODUCER_FENCED',
    ],
    ['a transaction that is over', answered('INVALID_TXN_STATE'), 'transport_unavailable', 'INVALID_TXN_STATE'],
    ['a wrong password', named('KafkaJSSASLAuthenticationError'), 'authentication_failed', 'sasl'],
    ['a group of another client', answered('INCONSISTENT_GROUP_PROTOCOL'), 'transport_failed', 'take another groupId'],
    ['transactions that may not last', answered('INVALID_TRANSACTION_TIMEOUT'), 'transport_failed', 'transaction.max.timeout.ms'],
    ['no right to a topic', answered('TOPIC_AUTHORIZATION_FAILED'), 'authentication_failed', 'kafka-acls'],
    ['a sequence gap', answered('OUT_OF_ORDER_SEQUENCE_NUMBER'), 'transport_unavailable', 'OUT_OF_ORDER'],
    ['too few replicas', answered('NOT_ENOUGH_REPLICAS', true), 'transport_unavailable', 'NOT_ENOUGH_REPLICAS'],
    ['an unknown answer that may pass', answered('PREFERRED_LEADER_NOT_AVAILABLE', true), 'transport_unavailable', 'text of'],
    ['an unknown answer that stays', answered('INVALID_CONFIG'), 'transport_failed', 'text of INVALID_CONFIG'],
    [
      'a refused connection',
      named('KafkaJSConnectionError', { code: 'ECONNREFUSED', broker: 'one:9092' }),
      'transport_unavailable',
      'broker one:9092 refused the connection',
    ],
    ['a refused connection, no broker named', named('E', { code: 'ECONNREFUSED' }), 'transport_unavailable', 'one:9092, two:9092'],
    ['a wrong host', named('KafkaJSConnectionError', { code: 'ENOTFOUND', broker: 'one:9092' }), 'transport_unavailable', 'spelled right'],
    ['a reset', named('KafkaJSConnectionError', { code: 'ECONNRESET', broker: 'one:9092' }), 'transport_unavailable', 'TLS'],
    ['a certificate that has ended', named('KafkaJSConnectionError', { code: 'CERT_HAS_EXPIRED' }), 'authentication_failed', 'has expired'],
    [
      'a client certificate that is missing',
      named('E', { code: 'ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE' }),
      'authentication_failed',
      'tls.cert',
    ],
    ['a listener that speaks no TLS', named('E', { code: 'ERR_SSL_WRONG_VERSION_NUMBER' }), 'authentication_failed', 'does not speak TLS'],
    ['a login that nobody asked for', answered('ILLEGAL_SASL_STATE'), 'authentication_failed', 'leave the option sasl out'],
    ['a strange certificate', named('KafkaJSConnectionError', { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }), 'authentication_failed', 'tls.ca'],
    [
      'a certificate for another name',
      named('KafkaJSConnectionError', { code: 'ERR_TLS_CERT_ALTNAME_INVALID' }),
      'authentication_failed',
      'tls.serverName',
    ],
    ['a connection that went', wrapped(new Error('Broker not connected')), 'transport_unavailable', 'one:9092, two:9092'],
    ['a wait that was too long', named('KafkaJSTimeout'), 'transport_unavailable', 'is the cluster up'],
    ['a request without answer', named('KafkaJSRequestTimeoutError', { broker: 'two:9092' }), 'transport_unavailable', 'two:9092'],
    ['no broker left', named('KafkaJSNoBrokerAvailableError'), 'transport_unavailable', 'one:9092, two:9092'],
    ['retries that are used up', wrapped(answered('MESSAGE_TOO_LARGE')), 'record_too_large', 'MESSAGE_TOO_LARGE'],
    [
      'several failures told as one',
      Object.assign(new Error('many'), { errors: [answered('TOPIC_AUTHORIZATION_FAILED')] }),
      'authentication_failed',
      'TOPIC_AUTHORIZATION',
    ],
    ['a bug', new TypeError('x is not a function'), 'transport_failed', 'x is not a function'],
    ['no error at all', 'nonsense', 'transport_failed', 'nonsense'],
  ])('%s', (_what, error, code, says) => {
    const mapped = toTransportError(error, 'do it', brokers);
    expect(mapped).toBeInstanceOf(TransportError);
    expect({ code: mapped.code, message: mapped.message }).toMatchObject({ code });
    expect(mapped.message).toMatch(/^cannot do it: /);
    expect(mapped.message).toContain(says);
    expect(mapped.cause).toBe(error);
  });

  it('leaves our own errors as they are', () => {
    const own = new TransportError('fenced', 'mine');
    expect(toTransportError(own, 'do it', brokers)).toBe(own);
    expect(toTransportError(new RecordError('encode_failed', 'theirs'), 'do it', brokers).code).toBe('encode_failed');
  });

  it('ends on a chain of causes that is a ring', () => {
    const ring = new Error('ring');
    ring.cause = ring;
    expect(toTransportError(ring, 'do it', brokers).code).toBe('transport_failed');
    expect(protocolTypeOf(ring)).toBeUndefined();
  });

  it('finds the answer of the broker in wrapped errors', () => {
    expect(protocolTypeOf(wrapped(answered('UNKNOWN_MEMBER_ID')))).toBe('UNKNOWN_MEMBER_ID');
  });
});
