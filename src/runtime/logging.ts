import { type DestinationStream, type LoggerOptions, pino } from 'pino';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Where the runtime says what it does. Details are structured; payloads and secrets are never among them. */
export interface Log {
  debug(details: object, message: string): void;
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}

export interface LoggerSettings {
  /** @defaultValue 'info' */
  readonly level?: LogLevel | 'silent';
  /** Fields of every line. */
  readonly fields?: Readonly<Record<string, unknown>>;
  /** @defaultValue stderr: stdout belongs to results */
  readonly destination?: DestinationStream;
}

// what a careless caller could hand to a log: cut out whatever the level
const secrets = ['password', 'apiKey', 'authorization', 'token', 'sasl', 'key', 'passphrase'];

const longestText = 4_000; // an error may quote what it was given: three megabytes of it are no log line

const shortened = (value: unknown): unknown =>
  typeof value === 'string' && value.length > longestText ? `${value.slice(0, longestText)}… (${String(value.length)} characters)` : value;

const mapValues = (fields: object, map: (value: unknown) => unknown): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, map(value)]));

/**
 * A pino logger with our defaults: JSON lines on stderr, times in ISO form, fields that may hold secrets cut out, texts of more than
 * 4,000 characters cut off.
 */
export function createLogger({
  level = 'info',
  fields = {},
  destination = pino.destination({ fd: 2, sync: true }),
}: LoggerSettings = {}): Log {
  const options: LoggerOptions = {
    level,
    base: fields,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }), log: (details) => mapValues(details, shortened) },
    redact: { paths: secrets.flatMap((name) => [name, `*.${name}`]), censor: '[redacted]' },
  };
  return pino(options, destination);
}

const nothing = (): void => undefined;

/** A log that says nothing. */
export const silentLog: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing };
