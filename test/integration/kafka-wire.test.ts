import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { AclOperationTypes, AclPermissionTypes, AclResourceTypes, Kafka, logLevel, ResourcePatternTypes } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sleep, systemClock } from '../../src/clock.ts';
import { kafka, type KafkaOptions } from '../../src/transport/kafka/kafka.ts';
import type { KafkaSasl } from '../../src/transport/kafka/kafka-options.ts';
import type { Transport } from '../../src/transport/transport.ts';
import { runCli } from '../cli/run-cli.ts';
import { certificateAuthority } from '../helpers/certificates.ts';
import { passwords, type SecuredKafka, startSecuredKafka, unsecuredToken } from '../helpers/secured-kafka.ts';
import { describeWithKafka } from '../helpers/shared-kafka.ts';
import { until } from './member.ts';
import { handlersOf, read } from './reader.ts';

const bytes = (text: string): Buffer => Buffer.from(text);
const record = (value: string): { key: null; value: Buffer; headers: [] } => ({ key: null, value: bytes(value), headers: [] });
const login = (
  mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512',
  username = 'alice',
  password: string = passwords.alice,
): KafkaSasl => ({
  mechanism,
  username,
  password,
});
const oauth = (token: () => Promise<string>): KafkaSasl => ({ mechanism: 'oauthbearer', token });

describeWithKafka('the wire', () => {
  let folder: string;
  let broker: SecuredKafka;
  let listener: (name: string) => string;
  let ca: string;
  const other = certificateAuthority('somebody else');
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-wire-'));
    broker = await startSecuredKafka(folder);
    listener = (name) => broker.listeners[name] ?? '';
    ca = broker.authority.cert;
  }, 300_000);
  afterAll(async () => {
    await broker.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it.each<[string, () => KafkaOptions]>([
    ['TLS', () => ({ brokers: [listener('TLS')], tls: { ca } })],
    ['TLS, by another name than the certificate’s', () => ({ brokers: [listener('TLS')], tls: { ca, serverName: 'localhost' } })],
    ['TLS with a client certificate', () => ({ brokers: [listener('MTLS')], tls: { ca, ...broker.client, passphrase: 'key-5ecret' } })],
    ['SASL PLAIN', () => ({ brokers: [listener('LOGIN')], tls: { ca }, sasl: login('plain') })],
    ['SCRAM-SHA-256', () => ({ brokers: [listener('LOGIN')], tls: { ca }, sasl: login('scram-sha-256') })],
    ['SCRAM-SHA-512', () => ({ brokers: [listener('LOGIN')], tls: { ca }, sasl: login('scram-sha-512') })],
    ['SCRAM-SHA-512 without TLS', () => ({ brokers: [listener('SCRAM')], sasl: login('scram-sha-512') })],
    [
      'OAUTHBEARER',
      () => ({ brokers: [listener('LOGIN')], tls: { ca }, sasl: oauth(() => Promise.resolve(unsecuredToken('alice', 60_000))) }),
    ],
  ])('writes and reads over %s', async (_name, options) => {
    const transport = kafka(options());
    const topic = `wire-${randomUUID()}`;
    await transport.createTopics([{ name: topic, partitions: 1 }]);
    const producer = await transport.produce();
    await producer.send(topic, 0, [record('here')]);
    const reader = await read(transport, topic);
    await until('it is read', () => reader.records.length > 0);
    expect(reader.records.map(({ value }) => String(value))).toEqual(['here']);
    await Promise.all([reader.close(), producer.close()]);
  });

  // side by side: most wait for what does not come
  it.concurrent.each<[string, () => KafkaOptions, string, RegExp]>([
    [
      'an authority that is not known',
      () => ({ brokers: [listener('TLS')], tls: { ca: other.cert } }),
      'authentication_failed',
      /authority that is not known.*tls\.ca/,
    ],
    [
      'the system’s authorities',
      () => ({ brokers: [listener('TLS')], tls: true }),
      'authentication_failed',
      /authority that is not known.*tls\.ca/,
    ],
    ['an expired certificate', () => ({ brokers: [listener('EXPIRED')], tls: { ca } }), 'authentication_failed', /has expired/],
    [
      'a certificate for another name',
      () => ({ brokers: [listener('TLS').replace('localhost', '127.0.0.1')], tls: { ca } }),
      'authentication_failed',
      /another name.*tls\.serverName/,
    ],
    ['no client certificate', () => ({ brokers: [listener('MTLS')], tls: { ca } }), 'authentication_failed', /tls\.cert and tls\.key/],
    [
      'a client certificate of somebody else',
      () => ({ brokers: [listener('MTLS')], tls: { ca, ...other.issue({ name: 'client' }) } }),
      'authentication_failed',
      /tls\.cert and tls\.key/,
    ],
    ['no TLS where it is spoken', () => ({ brokers: [listener('TLS')] }), 'transport_unavailable', /ask for TLS/],
    ['TLS where it is not spoken', () => ({ brokers: broker.brokers, tls: { ca } }), 'transport_unavailable', /speak TLS \(option tls\)/],
    [
      'no login where one is asked for',
      () => ({ brokers: [listener('LOGIN')], tls: { ca } }),
      'transport_unavailable',
      /a login, options tls and sasl/,
    ],
    [
      'a login where none is asked for',
      () => ({ brokers: [listener('TLS')], tls: { ca }, sasl: login('plain') }),
      'authentication_failed',
      /leave the option sasl out/,
    ],
    [
      'a wrong password, PLAIN',
      () => ({ brokers: [listener('LOGIN')], tls: { ca }, sasl: login('plain', 'alice', 'wrong-5ecret') }),
      'authentication_failed',
      /Invalid username or password/,
    ],
    [
      'a wrong password, SCRAM',
      () => ({ brokers: [listener('LOGIN')], tls: { ca }, sasl: login('scram-sha-512', 'alice', 'wrong-5ecret') }),
      'authentication_failed',
      /invalid credentials.*sasl/,
    ],
    [
      'a mechanism that is not enabled',
      () => ({ brokers: [listener('SCRAM')], sasl: login('scram-sha-256') }),
      'authentication_failed',
      /UNSUPPORTED_SASL_MECHANISM.*sasl\.mechanism/,
    ],
    [
      'an outdated token',
      () => ({ brokers: [listener('LOGIN')], tls: { ca }, sasl: oauth(() => Promise.resolve(unsecuredToken('5ecret', -60_000))) }),
      'authentication_failed',
      /did not accept the token \(invalid_token\)/,
    ],
    [
      'a token that cannot be had',
      () => ({ brokers: [listener('LOGIN')], tls: { ca }, sasl: oauth(() => Promise.reject(new Error('no way to the issuer'))) }),
      'transport_unavailable',
      /sasl\.token: no way to the issuer/,
    ],
    [
      'a token that never comes',
      () => ({ brokers: [listener('LOGIN')], tls: { ca }, requestTimeoutMs: 500, sasl: oauth(() => new Promise(() => undefined)) }),
      'transport_unavailable',
      /not there after 500 ms/,
    ],
  ])('says what is wrong with %s, and what to do', async (_name, options, code, says) => {
    const told: unknown[] = [];
    const transport = kafka({ ...options(), startPatienceMs: 1_000, log: (...line) => told.push(line) });
    const failure: unknown = await transport.produce().then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({ code, message: expect.stringMatching(says) as unknown });
    await expect(transport.consume({ groupId: 'g', topics: ['t'], from: 'earliest' }, handlersOf({}))).rejects.toMatchObject({ code });
    expect(inspect([failure, transport, told], { depth: 20, showHidden: true })).not.toContain('5ecret');
  });

  it('asks for a new token before the old one ends, and goes on reading and writing beyond several of them', async () => {
    // the first lives too long to end here, the second ends again and again
    const lives = [11_500, 1_500];
    const counts = lives.map(() => 0);
    const runs = lives.map(async (lifeMs, which) => {
      const sasl = oauth(() => {
        counts[which] = (counts[which] ?? 0) + 1;
        return Promise.resolve(unsecuredToken('alice', lifeMs));
      });
      const transport = kafka({ brokers: [listener('LOGIN')], tls: { ca }, sasl });
      const topic = `refresh-${randomUUID()}`;
      await transport.createTopics([{ name: topic, partitions: 1 }]);
      const [producer, reader] = [await transport.produce(), await read(transport, topic)];
      const atStart = counts[which] ?? 0;
      for (let i = 0; i < 20; i += 1) {
        await producer.send(topic, 0, [record(String(i))]);
        await sleep(systemClock, 250);
      }
      await until('all are read', () => reader.records.length >= 20);
      expect(reader.records.map(({ value }) => Number(String(value)))).toEqual(Array.from({ length: 20 }, (_, i) => i));
      expect(reader.failures).toEqual([]);
      expect(counts[which]).toBeGreaterThan(atStart + 1); // the reader's, the writer's
      await Promise.all([reader.close(), producer.close()]);
    });
    await Promise.all(runs);
  }, 60_000);

  describe('what a user may not do is a final error', () => {
    const topic = `rights-${randomUUID()}`;
    const asBob = (): Transport =>
      kafka({ brokers: [listener('LOGIN')], tls: { ca }, sasl: login('scram-sha-512', 'bob', passwords.bob), startPatienceMs: 3_000 });

    async function allow(resourceType: AclResourceTypes, resourceName: string, operation: AclOperationTypes): Promise<void> {
      const admin = new Kafka({ brokers: [...broker.brokers], logLevel: logLevel.NOTHING }).admin();
      await admin.connect();
      await admin.createAcls({
        acl: [
          {
            resourceType,
            resourceName,
            operation,
            resourcePatternType: ResourcePatternTypes.LITERAL,
            permissionType: AclPermissionTypes.ALLOW,
            principal: 'User:bob',
            host: '*',
          },
        ],
      });
      await admin.disconnect();
      await sleep(systemClock, 300); // the broker learns of it from the controller
    }

    it('a topic, a group, a transactional id: seen, read, joined, written', async () => {
      await kafka({ brokers: broker.brokers }).createTopics([{ name: topic, partitions: 1 }]);
      const bob = asBob();
      const denied = (what: string): object => ({
        code: 'authentication_failed',
        message: expect.stringMatching(new RegExp(`${what}_AUTHORIZATION_FAILED.*kafka-acls`)) as unknown,
      });
      await expect(bob.describeTopics([topic])).rejects.toMatchObject(denied('TOPIC'));
      await expect(read(bob, topic, 'bobs')).rejects.toMatchObject(denied('TOPIC'));
      await allow(AclResourceTypes.TOPIC, topic, AclOperationTypes.DESCRIBE);
      await expect(read(bob, topic, 'bobs')).rejects.toMatchObject(denied('GROUP'));
      await allow(AclResourceTypes.GROUP, 'bobs', AclOperationTypes.READ);
      const reader = await read(bob, topic, 'bobs');
      await until('it has failed', () => reader.failures.length > 0);
      expect(reader.failures).toMatchObject([denied('TOPIC')]);
      await expect(bob.produce()).rejects.toMatchObject(denied('CLUSTER')); // a producer id is for those who may write somewhere
      await allow(AclResourceTypes.TOPIC, 'elsewhere', AclOperationTypes.WRITE);
      const producer = await bob.produce();
      await expect(producer.send(topic, 0, [record('no')])).rejects.toMatchObject(denied('TOPIC'));
      await expect(bob.transact({ transactionalId: 'bobs' })).rejects.toMatchObject(denied('TRANSACTIONAL_ID'));
      await Promise.all([reader.close(), producer.close()]);
    });
  });

  it('takes it all from the environment and from files on the command line', async () => {
    const [caFile, passwordFile] = [join(folder, 'for-cli.pem'), join(folder, 'password')];
    await Promise.all([writeFile(caFile, ca), writeFile(passwordFile, `${passwords.alice}\n`)]);
    const topic = `cli-${randomUUID()}`;
    const how = ['--brokers', listener('LOGIN'), '--tls-ca', caFile, '--sasl-mechanism', 'scram-sha-512', '--sasl-username', 'alice'];
    const written = await runCli(['produce', topic, '--create-topics', ...how, '--sasl-password-file', passwordFile], { input: 'one\n' });
    expect([written.code, written.stderr]).toEqual([0, expect.stringContaining('1 records written') as unknown]);
    const env = { MILLRACE_SASL_PASSWORD: 'wrong-5ecret' };
    const refused = await runCli(['consume', topic, '--from-beginning', '--max', '1', ...how], { env });
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toMatch(/invalid credentials/);
    expect(refused.stdout + refused.stderr).not.toContain('5ecret');
  });
});
