import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Authority, certificateAuthority, type Identity } from './certificates.ts';
import { type RunningKafka, startKafka } from './kafka-broker.ts';

export const passwords = { alice: 'alice-5ecret', bob: 'bob-5ecret' } as const;

/** How long the broker takes one login for good; kafkajs logs in anew when 10 s are left of it. */
const reauthenticateMs = 12_000;

export interface SecuredKafka extends RunningKafka {
  readonly authority: Authority;
  /** Signed by an authority that the broker knows. */
  readonly client: Identity;
}

const superUsers = ['User:ANONYMOUS', 'User:alice', 'User:CN=client'];

/**
 * One broker with a listener for each kind of security: `TLS`, `MTLS` (a client certificate is asked for), `EXPIRED` (its
 * own certificate is), `LOGIN` (every SASL mechanism, over TLS), `SCRAM` (without TLS). Alice and anonymous clients may do
 * everything, bob nothing until he is told so. OAUTHBEARER is Kafka's own unsecured kind: a token is a JWS without signature.
 */
export async function startSecuredKafka(folder: string): Promise<SecuredKafka> {
  const authority = certificateAuthority('millrace tests');
  const good = authority.issue({ name: 'broker', hosts: ['localhost'] });
  const old = authority.issue({ name: 'broker', hosts: ['localhost'], until: new Date(Date.now() - 60_000) });
  const trust = { 'ssl.truststore.type': 'PEM', 'ssl.truststore.location': await file(folder, 'ca.pem', authority.cert) };
  const tls = { ...trust, 'ssl.keystore.type': 'PEM', 'ssl.keystore.location': await file(folder, 'good.pem', good.key + good.cert) };
  const login = 'org.apache.kafka.common.security';
  const scram = {
    'scram-sha-256.sasl.jaas.config': `${login}.scram.ScramLoginModule required;`,
    'scram-sha-512.sasl.jaas.config': `${login}.scram.ScramLoginModule required;`,
  };
  const kafka = await startKafka({
    properties: {
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'super.users': superUsers.join(';'),
    },
    listeners: [
      { name: 'TLS', protocol: 'SSL', properties: tls },
      { name: 'MTLS', protocol: 'SSL', properties: { ...tls, 'ssl.client.auth': 'required' } },
      {
        name: 'EXPIRED',
        protocol: 'SSL',
        properties: { ...tls, 'ssl.keystore.location': await file(folder, 'old.pem', old.key + old.cert) },
      },
      {
        name: 'LOGIN',
        protocol: 'SASL_SSL',
        properties: {
          ...tls,
          ...scram,
          'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
          'plain.sasl.jaas.config': `${login}.plain.PlainLoginModule required ${users()};`,
          'oauthbearer.sasl.jaas.config': `${login}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";`,
          'oauthbearer.connections.max.reauth.ms': String(reauthenticateMs),
        },
      },
      { name: 'SCRAM', protocol: 'SASL_PLAINTEXT', properties: { ...scram, 'sasl.enabled.mechanisms': 'SCRAM-SHA-512' } },
    ],
    scramUsers: ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) =>
      Object.entries(passwords).map(([name, password]) => `${mechanism}=[name=${name},password=${password}]`),
    ),
  });
  return Object.assign(kafka, { authority, client: authority.issue({ name: 'client', passphrase: 'key-5ecret' }) });
}

const users = (): string =>
  Object.entries(passwords)
    .map(([name, password]) => `user_${name}="${password}"`)
    .join(' ');

async function file(folder: string, name: string, content: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content, { mode: 0o600 });
  return path;
}

/** A token as Kafka's unsecured validator takes it. */
export function unsecuredToken(subject: string, forMs: number): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const nowSeconds = Date.now() / 1_000;
  return `${part({ alg: 'none' })}.${part({ sub: subject, iat: nowSeconds, exp: nowSeconds + forMs / 1_000 })}.`;
}
