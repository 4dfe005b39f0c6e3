import { describe, expect, it } from 'vitest';
import { OptionError } from '../../../src/errors.ts';
import { kafka } from '../../../src/transport/kafka/kafka.ts';
import { type KafkaOptions, resolveKafkaOptions } from '../../../src/transport/kafka/kafka-options.ts';
import { certificateAuthority } from '../../helpers/certificates.ts';

const plain = { mechanism: 'plain', username: 'u', password: 'p4ssw0rd' } as const;
const locked = certificateAuthority('a').issue({ name: 'client', passphrase: 'p4ssphrase' });
const remote = { brokers: ['kafka.example.com:9092'] };

describe('resolveKafkaOptions', () => {
  it.each<[string, Record<string, unknown>, string]>([
    ['no brokers', { brokers: [] }, 'at least one broker'],
    ['a broker without a port', { brokers: ['localhost'] }, 'host:port'],
    ['a port out of range', { brokers: ['localhost:70000'] }, 'host:port'],
    ['an IPv6 address, which kafkajs cuts at its first colon', { brokers: ['[::1]:9092'] }, 'IPv6'],
    ['a URL', { brokers: ['kafka://localhost:9092'] }, 'host:port'],
    ['an authority that is the name of a file', { tls: { ca: '/etc/ssl/ca.pem' } }, 'tls.ca must be a certificate as PEM text'],
    ['an authority of several that is none', { tls: { ca: [certificateAuthority('a').cert, ''] } }, 'tls.ca must be'],
    ['a certificate without its key', { tls: { cert: certificateAuthority('a').cert } }, 'need each other'],
    ['a key of another certificate', { tls: { cert: certificateAuthority('a').cert, key: certificateAuthority('b').key } }, 'do not fit'],
    ['a wrong passphrase', { tls: { ...locked, passphrase: 'other' } }, 'do not fit'],
    ['a cap on batches below what they have uncompressed', { maxBatchBytes: 1_000 }, 'maxBatchBytes'],
    ['a heartbeat too slow for the session', { heartbeatMs: 4_000 }, 'a third of sessionTimeoutMs'],
    ['a session below what brokers allow', { sessionTimeoutMs: 10 }, 'sessionTimeoutMs'],
    ['an unknown compression', { compression: 'brotli' }, 'none, gzip, zstd'],
    ['an unknown mechanism', { sasl: { mechanism: 'gssapi' } }, 'scram-sha-512'],
    ['no user name', { sasl: { ...plain, username: '' } }, 'sasl.username'],
    ['no password', { sasl: { ...plain, password: '' } }, 'sasl.password'],
    ['a token that is no function', { sasl: { mechanism: 'oauthbearer', token: 'x' } }, 'sasl.token'],
    ['a plain password to another machine without TLS', { ...remote, sasl: plain }, 'allowPlaintextPassword'],
    [
      'a token to another machine without TLS',
      { ...remote, sasl: { mechanism: 'oauthbearer', token: () => Promise.resolve('t') } },
      'unencrypted',
    ],
    ['a plain password to a name that only begins like loopback', { brokers: ['127.0.0.1.evil.com:9092'], sasl: plain }, 'unencrypted'],
  ])('refuses %s', (_what, options, says) => {
    const make = (): unknown => resolveKafkaOptions({ brokers: ['localhost:9092'], ...options });
    expect(make).toThrow(OptionError);
    expect(make).toThrow(says);
  });

  it.each(['me:hunter2@h:9092', 'kafka://me:hunter2@h:9092', 'me@h:9092', 'me:hunt:hunter2@h'])(
    'does not repeat what may be a password: %s',
    (broker) => {
      const make = (): unknown => resolveKafkaOptions({ brokers: [broker] });
      expect(make).toThrow(/host:port .* got "(kafka:\/\/)?…@h/);
      expect(make).not.toThrow(/hunter2/);
    },
  );

  it.each<[string, Partial<KafkaOptions>]>([
    ['a plain password with TLS', { ...remote, tls: true, sasl: plain }],
    ['a certificate with its key and passphrase', { ...remote, tls: { ...locked, passphrase: 'p4ssphrase' } }],
    ['a plain password to this machine', { brokers: ['127.0.0.1:9092', 'localhost:9093'], sasl: plain }],
    ['a plain password where that is said to be meant', { ...remote, sasl: plain, allowPlaintextPassword: true }],
    ['SCRAM without TLS: the password is not sent', { ...remote, sasl: { ...plain, mechanism: 'scram-sha-256' } }],
  ])('takes %s', (_what, options) => {
    expect(() => resolveKafkaOptions({ brokers: ['localhost:9092'], ...options })).not.toThrow();
  });

  it('says no password in its messages', () => {
    expect(() => resolveKafkaOptions({ ...remote, sasl: plain })).not.toThrow(plain.password);
  });

  it('is asked before anything is opened', () => {
    expect(() => kafka({ brokers: [] })).toThrow(OptionError);
    expect(kafka({ brokers: ['nowhere.invalid:1'] }).name).toBe('kafka');
  });
});
