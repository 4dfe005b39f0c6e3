import { messageOf } from '../errors.ts';
import { withoutSecrets } from '../without-secrets.ts';
import type { Log } from './logging.ts';

const deepest = 4;
const lookedThrough = 8_000; // of three megabytes nobody looks for keys
const longestText = 3_900; // less, since a key that is cut in two is not known for one; and less than loggers cut off at

/**
 * `log`, told nothing that looks like a key, a password or a token: what clients throw names addresses with all that is in them.
 * Texts of more than 3,900 characters are cut off.
 */
export function logWithoutSecrets(log: Log): Log {
  const told =
    (level: keyof Log) =>
    (details: object, message: string): void => {
      log[level](cleaned(details, deepest) as object, clean(message));
    };
  return { debug: told('debug'), info: told('info'), warn: told('warn'), error: told('error') };
}

function clean(text: string): string {
  const shown = withoutSecrets(text.slice(0, lookedThrough));
  return text.length <= longestText ? shown : `${shown.slice(0, longestText)}… (${String(text.length)} characters)`;
}

function cleaned(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return clean(value);
  if (value instanceof Error) return clean(messageOf(value));
  if (typeof value !== 'object' || value === null) return value;
  if (depth === 0) return '…';
  if (Array.isArray(value)) return value.map((one) => cleaned(one, depth - 1));
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, cleaned(one, depth - 1)]));
}
