import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { messageOf, OptionError } from '../errors.ts';
import type { KafkaOptions, KafkaSasl } from '../transport/kafka/kafka-options.ts';
import type { KafkaTls } from '../transport/kafka/tls-options.ts';
import type { Settings } from './settings.ts';

/**
 * What the Kafka transport is given: files are read, secrets taken.
 * @throws OptionError for files that cannot be read and settings that need another; never with a secret in it
 */
export function kafkaSettings(settings: Settings, brokers: readonly string[] = settings.brokers): KafkaOptions {
  const { clientId, allowPlaintextPassword } = settings.kafka;
  const sasl = saslOf(settings);
  return {
    brokers,
    tls: tlsOf(settings),
    ...(clientId === undefined ? {} : { clientId }),
    ...(allowPlaintextPassword === undefined ? {} : { allowPlaintextPassword }),
    ...(sasl ? { sasl } : {}),
    ...(settings.run.sessionTimeoutMs === undefined ? {} : { sessionTimeoutMs: settings.run.sessionTimeoutMs }),
  };
}

function tlsOf({ kafka, secret }: Settings): boolean | KafkaTls {
  const { tls, tlsCa, tlsCert, tlsKey, tlsPassphraseFile, tlsServerName } = kafka;
  const passphrase = tlsPassphraseFile === undefined ? secret('tlsPassphrase') : secretFile('tlsPassphraseFile', tlsPassphraseFile);
  const details: KafkaTls = {
    ...(tlsCa === undefined ? {} : { ca: content('tlsCa', tlsCa) }),
    ...(tlsCert === undefined ? {} : { cert: content('tlsCert', tlsCert) }),
    ...(tlsKey === undefined ? {} : { key: content('tlsKey', tlsKey) }),
    ...(tlsServerName === undefined ? {} : { serverName: tlsServerName }),
  };
  const named = Object.keys(details).length > 0;
  if (tls === false && named) throw new OptionError('tls is off, but other tls settings are given: leave them out, or turn it on');
  if ((tlsCert === undefined) !== (tlsKey === undefined)) throw new OptionError('tlsCert and tlsKey need each other');
  if (!named) return tls ?? false;
  return passphrase === undefined ? details : { ...details, passphrase };
}

function saslOf({ kafka, secret }: Settings): KafkaSasl | undefined {
  const { saslMechanism: mechanism, saslUsername: username, saslPasswordFile: file } = kafka;
  if (mechanism === undefined) {
    if (username === undefined && file === undefined) return undefined;
    throw new OptionError('saslUsername and saslPasswordFile need saslMechanism: plain, scram-sha-256, scram-sha-512 or oauthbearer');
  }
  const password = file === undefined ? secret('saslPassword') : secretFile('saslPasswordFile', file);
  if (password === undefined)
    throw new OptionError(
      `saslMechanism ${mechanism} needs a ${mechanism === 'oauthbearer' ? 'token' : 'password'}: --sasl-password-file, or MILLRACE_SASL_PASSWORD`,
    );
  if (mechanism === 'oauthbearer')
    return { mechanism, token: async () => (file === undefined ? password : (await readFile(file, 'utf8')).trim()) };
  if (username === undefined) throw new OptionError(`saslMechanism ${mechanism} needs saslUsername`);
  return { mechanism, username, password };
}

function content(name: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new OptionError(`${name} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

/** An editor ends the file with a line break that is not part of the secret. */
function secretFile(name: string, path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    // without the path: whoever gave the secret itself must not see it in a log
    const why = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    throw new OptionError(`${name} cannot be read: ${why}; it is the name of a file that holds the secret`);
  }
  const secret = text.replace(/\r?\n$/, '');
  if (secret === '') throw new OptionError(`the file of ${name} is empty`);
  return secret;
}
