import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { CommandSettings } from '../command.ts';
import { messageOf, OptionError, requireInteger, requireOneOf, requireText, withoutCredentials } from '../errors.ts';
import { nearest } from '../nearest.ts';
import { type RunSettings, runSettingsTable } from './run-settings.ts';

/** What each layer may give; every field has the same name on the command line, in the environment and in the file. */
export interface GivenSettings {
  /** @defaultValue 'kafka' where the same layer names brokers, else 'memory' */
  readonly transport?: 'memory' | 'kafka';
  /** @defaultValue localhost:9092 */
  readonly brokers?: readonly string[];
  /** @defaultValue 'millrace' */
  readonly clientId?: string;
  /** @defaultValue none */
  readonly instance?: string;
  /** @defaultValue true where another tls setting is given, else false */
  readonly tls?: boolean;
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsPassphraseFile?: string;
  readonly tlsServerName?: string;
  readonly saslMechanism?: SaslMechanism;
  readonly saslUsername?: string;
  readonly saslPasswordFile?: string;
  /** @defaultValue false */
  readonly allowPlaintextPassword?: boolean;
  /** @defaultValue false */
  readonly json?: boolean;
  /** @defaultValue 'warn' */
  readonly logLevel?: CommandSettings['logLevel'];
}

export type SaslMechanism = 'plain' | 'scram-sha-256' | 'scram-sha-512' | 'oauthbearer';

const kinds = {
  choice: 'one of several words',
  flag: 'true or false',
  integer: 'an integer',
  list: 'host:port, several with commas between',
  path: 'a file',
  text: 'text',
} as const;

export interface SettingInfo {
  readonly kind: keyof typeof kinds;
  readonly choices?: readonly string[];
  /** Of an integer. */
  readonly min?: number;
  readonly max?: number;
  /** Placeholder in `--help`. */
  readonly value?: string;
  readonly summary: string;
}

/** The one list of settings of all commands: flags, environment, file and help are made from it. */
export const settingsTable: Readonly<Record<keyof GivenSettings, SettingInfo>> = {
  transport: {
    kind: 'choice',
    choices: ['memory', 'kafka'],
    value: 'name',
    summary: 'where the topics are: an embedded broker, or Kafka (default: kafka if brokers are named, else memory)',
  },
  brokers: { kind: 'list', value: 'host:port,…', summary: 'Kafka brokers to begin with (default: localhost:9092)' },
  clientId: { kind: 'text', value: 'name', summary: "our name in the brokers' logs (default: millrace)" },
  instance: { kind: 'text', value: 'name', summary: "this process's name over restarts: its predecessor's session is not waited for" },
  tls: { kind: 'flag', summary: "encrypt, with the system's certificate authorities" },
  tlsCa: { kind: 'path', value: 'file', summary: 'certificate authorities (PEM)' },
  tlsCert: { kind: 'path', value: 'file', summary: 'our certificate (PEM)' },
  tlsKey: { kind: 'path', value: 'file', summary: 'its private key (PEM)' },
  tlsPassphraseFile: { kind: 'path', value: 'file', summary: "the key's passphrase, or MILLRACE_TLS_PASSPHRASE" },
  tlsServerName: { kind: 'text', value: 'name', summary: "name in the brokers' certificates, where it is not their host name" },
  saslMechanism: {
    kind: 'choice',
    choices: ['plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer'],
    value: 'name',
    summary: 'how to log in',
  },
  saslUsername: { kind: 'text', value: 'name', summary: 'who logs in' },
  saslPasswordFile: {
    kind: 'path',
    value: 'file',
    summary: 'password (oauthbearer: token, read for each connection), or MILLRACE_SASL_PASSWORD',
  },
  allowPlaintextPassword: { kind: 'flag', summary: 'send the password unencrypted to another machine' },
  json: { kind: 'flag', summary: 'for machines: JSON lines on stdout, errors as one JSON line on stderr' },
  logLevel: {
    kind: 'choice',
    choices: ['debug', 'info', 'warn', 'error', 'silent'],
    value: 'level',
    summary: 'what the log on stderr says (default: warn)',
  },
};

/** Everything that was resolved; secrets are functions, so that printing it shows none. */
export interface Settings extends CommandSettings {
  readonly brokersGiven: boolean;
  /** What chose the transport, as it is called where it was given: `MILLRACE_BROKERS`, say; undefined: nothing did. */
  readonly transportBy: string | undefined;
  readonly kafka: Omit<GivenSettings, 'brokers' | 'json' | 'logLevel' | 'instance'>;
  /** Of a command that has them among its options, else empty. */
  readonly run: RunSettings;
  readonly secret: (name: 'saslPassword' | 'tlsPassphrase') => string | undefined;
  /** For people: what looks like a mistake and is not one for sure. */
  readonly remarks: readonly string[];
}

export interface SettingsSources {
  readonly flags: Readonly<Record<string, unknown>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** The command's own: of {@link runSettingsTable} it gets those that are among them. @defaultValue none */
  readonly options?: object;
}

const secretVariables = { saslPassword: 'MILLRACE_SASL_PASSWORD', tlsPassphrase: 'MILLRACE_TLS_PASSPHRASE' } as const;
/** Variables that belong to other parts of Millrace. */
const registryVariables = ['URL', 'USERNAME', 'PASSWORD', 'TOKEN', 'CA'].map((name) => `MILLRACE_SCHEMA_REGISTRY_${name}`);
const otherVariables = [
  ...registryVariables,
  'MILLRACE_CACHE',
  'MILLRACE_CONFIG',
  'MILLRACE_LAUNCHED',
  'MILLRACE_SERVICE_KEY',
  'MILLRACE_SUPERVISED',
  ...Object.values(secretVariables),
];
const automaticFile = 'millrace.config.json';

/** `saslUsername` is `--sasl-username` and `MILLRACE_SASL_USERNAME`. */
export const flagOf = (key: string): string => `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
export const variableOf = (key: string): string => `MILLRACE_${key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;

type AllSettings = GivenSettings & RunSettings;
const table: Readonly<Record<keyof AllSettings, SettingInfo>> = { ...settingsTable, ...runSettingsTable };
const keys = Object.keys(table) as readonly (keyof AllSettings)[];
const runKeys = Object.keys(runSettingsTable) as readonly (keyof RunSettings)[];

/** What one place gives, and how its settings are called there. */
interface Layer {
  readonly given: AllSettings;
  readonly nameOf: (key: string) => string;
}

/**
 * Flags before environment before file before defaults, setting by setting.
 * @throws OptionError that names the layer, the setting, what was expected and what was given (never a secret).
 */
export function resolveSettings({ flags, env, cwd, options = {} }: SettingsSources): Settings {
  const layers = [
    layer((key) => flags[key], flagOf, cwd),
    layer((key) => given(env[variableOf(key)]), variableOf, cwd),
    readConfig(textOf(flags['config']) ?? given(env['MILLRACE_CONFIG']), cwd),
  ] as const;
  const [fromFlags, fromEnvironment, fromFile] = layers.map((one) => one.given) as [AllSettings, AllSettings, AllSettings];
  if (fromFlags.transport === 'memory' && fromFlags.brokers !== undefined) {
    throw new OptionError('--brokers contradicts --transport memory: the embedded broker lives in this process; leave one of them out');
  }
  const all: AllSettings = { ...fromFile, ...fromEnvironment, ...fromFlags };
  const { brokers, json = false, logLevel = 'warn', instance, ...kafka } = picked(all, Object.keys(settingsTable)) as GivenSettings;
  return {
    ...transportOf(layers),
    brokers: brokers ?? ['localhost:9092'],
    brokersGiven: brokers !== undefined,
    json,
    logLevel,
    instance,
    kafka,
    run: picked(
      all,
      runKeys.filter((key) => Object.hasOwn(options, key)),
    ),
    secret: (name) => given(env[secretVariables[name]]),
    remarks: misspelled(env),
  };
}

const given = (value: string | undefined): string | undefined => (value === '' ? undefined : value);
const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

const picked = <T extends object>(all: T, names: readonly string[]): Partial<T> =>
  Object.fromEntries(Object.entries(all).filter(([key]) => names.includes(key))) as Partial<T>;

/** Whoever names brokers means Kafka, unless the same layer or one above it says otherwise. */
function transportOf(layers: readonly Layer[]): Pick<Settings, 'transport' | 'transportBy'> {
  for (const { given: all, nameOf } of layers) {
    if (all.transport !== undefined) return { transport: all.transport, transportBy: nameOf('transport') };
    if (all.brokers !== undefined) return { transport: 'kafka', transportBy: nameOf('brokers') };
  }
  return { transport: 'memory', transportBy: undefined };
}

function layer(read: (key: keyof AllSettings) => unknown, nameOf: (key: string) => string, folder: string): Layer {
  const found = keys.flatMap((key) => {
    const value = read(key);
    return value === undefined ? [] : [[key, checked(nameOf(key), table[key], value, folder)] as const];
  });
  return { given: Object.fromEntries(found), nameOf };
}

function checked(name: string, { kind, choices = [], min = 0, max }: SettingInfo, value: unknown, folder: string): unknown {
  switch (kind) {
    case 'integer': {
      const number = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value;
      requireInteger(name, number, min, max);
      return number;
    }
    case 'choice':
      requireOneOf(name, value, choices);
      return value;
    case 'flag':
      return flagValue(name, value);
    case 'list': {
      const parts = typeof value === 'string' ? value.split(',').map((part) => part.trim()) : value;
      if (!Array.isArray(parts) || parts.length === 0) throw new OptionError(`${name} must be ${kinds.list}, got ${typeof value}`);
      // a password may hold a comma: where there is one, no part is shown
      if (parts.some((part) => String(part).includes('@')))
        throw new OptionError(`${name} must be ${kinds.list}, without user or password: ${passwordPlaces}`);
      for (const part of parts) if (!isHostPort(part)) throw new OptionError(`${name} must be ${kinds.list}, got ${JSON.stringify(part)}`);
      return parts;
    }
    case 'path':
      requireText(name, value);
      return resolve(folder, value);
    case 'text':
      if (choices.length > 0) requireOneOf(name, value, choices);
      requireText(name, value);
      return value;
  }
}

const passwordPlaces = 'they are saslUsername, and saslPasswordFile or MILLRACE_SASL_PASSWORD';
const isHostPort = (part: unknown): boolean => typeof part === 'string' && /^[\w.-]+:\d{1,5}$/.test(part);

function flagValue(name: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  const words: Readonly<Record<string, boolean>> = { true: true, 1: true, yes: true, false: false, 0: false, no: false };
  const found = typeof value === 'string' ? words[value.toLowerCase()] : undefined;
  if (found === undefined)
    throw new OptionError(
      `${name} must be ${kinds.flag}, got ${typeof value === 'string' ? JSON.stringify(withoutCredentials(value)) : typeof value}`,
    );
  return found;
}

function readConfig(path: string | undefined, cwd: string): Layer {
  const file = resolve(cwd, path ?? automaticFile);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (missing && path === undefined) return { given: {}, nameOf: flagOf };
    throw new OptionError(`cannot read the configuration file ${file}: ${missing ? 'there is none' : messageOf(error)}`, { cause: error });
  }
  const found = parsed(file, text);
  for (const key of Object.keys(found)) if (!keys.some((known) => known === key)) throw unknownKey(file, key);
  return layer(
    (key) => found[key],
    (key) => `${key} in ${file}`,
    dirname(file),
  );
}

function parsed(file: string, text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // JSON.parse quotes the text around the fault, which may hold what nobody should see
    throw new OptionError(`the configuration file ${file} is not JSON`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new OptionError(`the configuration file ${file} must hold an object`);
  return value as Readonly<Record<string, unknown>>;
}

function unknownKey(file: string, key: string): OptionError {
  if (key === 'saslPassword' || key === 'tlsPassphrase') {
    return new OptionError(`${file} holds ${key}, but configuration files are committed: use ${key}File, or ${secretVariables[key]}`);
  }
  const meant = nearest(key, keys);
  return new OptionError(
    `${file} holds the unknown setting ${JSON.stringify(key)}; ${meant === undefined ? `known: ${keys.join(', ')}` : `did you mean ${meant}?`}`,
  );
}

function misspelled(env: SettingsSources['env']): readonly string[] {
  const known = [...keys.map(variableOf), ...otherVariables];
  return Object.keys(env).flatMap((name) => {
    if (!name.startsWith('MILLRACE_') || known.includes(name)) return [];
    const meant = nearest(
      name.slice(9),
      known.map((one) => one.slice(9)),
    );
    return meant === undefined ? [] : [`the environment has ${name}, which says nothing to millrace; did you mean MILLRACE_${meant}?`];
  });
}
