import { type CommandOption, OptionError } from 'millrace';

interface Row {
  readonly min: number;
  readonly max?: number;
  readonly value: string;
  readonly default: number;
  readonly summary: string;
}

/** The settings of `millrace parallel`: flags, variables of the environment and help are made from this one list. */
export const settingsTable = {
  workers: { min: 1, max: 64, value: 'n', default: 4, summary: 'calls at once' },
  maxTokens: { min: 1, value: 'n', default: 256, summary: 'longest answer' },
  timeoutMs: { min: 1, value: 'ms', default: 30_000, summary: 'longest time of one attempt' },
  attempts: { min: 1, max: 100, value: 'n', default: 2, summary: 'attempts at a call in all, 1 s, 2 s, 4 s, … apart' },
  modelPatienceMs: {
    ...{ min: 1, value: 'ms', default: 300_000 },
    summary: 'how long a model that answers nothing is waited for, and at least two attempts',
  },
} as const satisfies Readonly<Record<string, Row>>;

/** All of them present, and checked. */
export type Settings = { readonly [K in keyof typeof settingsTable]: number };

const rows: readonly (readonly [string, Row])[] = Object.entries(settingsTable);

/** `maxTokens` is `MILLRACE_PARALLEL_MAX_TOKENS`. */
export const variableOf = (key: string): string => `MILLRACE_PARALLEL_${key.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
const flagOf = (key: string): string => `--${key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** A flag for each setting; what it may be is checked where the environment is, too. */
export const settingOptions = Object.fromEntries(
  rows.map(([key, { summary, value, default: usual }]): readonly [string, CommandOption] => [
    key,
    { kind: 'text', value, summary: `${summary} (default: ${String(usual)})` },
  ]),
) as { readonly [K in keyof typeof settingsTable]: { readonly kind: 'text'; readonly value: string; readonly summary: string } };

/**
 * Flags before environment before defaults, setting by setting.
 * @throws OptionError that says where the setting was given, what was expected and what was given.
 */
export function settingsFrom(flags: Readonly<Record<string, unknown>>, env: Readonly<Record<string, string | undefined>>): Settings {
  const entries = rows.map(([key, row]) => {
    const [flag, variable] = [flags[key], env[variableOf(key)]];
    if (typeof flag === 'string') return [key, read(flagOf(key), row, flag)] as const;
    if (variable !== undefined && variable !== '') return [key, read(variableOf(key), row, variable)] as const;
    return [key, row.default] as const;
  });
  return Object.fromEntries(entries) as Settings;
}

function read(name: string, { min, max = Number.MAX_SAFE_INTEGER }: Row, given: string): number {
  const number = /^\d+$/.test(given) ? Number(given) : Number.NaN;
  if (number >= min && number <= max) return number;
  const range = max === Number.MAX_SAFE_INTEGER ? `>= ${String(min)}` : `from ${String(min)} to ${String(max)}`;
  throw new OptionError(`${name} must be an integer ${range}, got ${JSON.stringify(given)}`);
}
