import { OptionError } from 'millrace';

/** How documents are worked on. */
export interface DocumentsSettings {
  /** Documents that are worked on at once; `auto`: by cores and memory that are free at the start. @defaultValue 5 */
  readonly batchSize?: number | 'auto';
  /** Calls of models at once, over all documents. @defaultValue 3 */
  readonly concurrency?: number;
  /** Longest time of one attempt at a call, in ms. @defaultValue 30,000 */
  readonly timeoutMs?: number;
  /** Attempts at a call in all; 1 s, 2 s, 4 s, … are waited between them. @defaultValue 2 */
  readonly attempts?: number;
  /** @defaultValue 0 */
  readonly temperature?: number;
  /** In any 60 s, prompts and answers together. @defaultValue 4,096 for a model behind a URL, none for one in process */
  readonly tokensPerMinute?: number | 'none';
  /** In any 60 s. @defaultValue 100 for a model behind a URL, none for one in process */
  readonly requestsPerMinute?: number | 'none';
  /** Most tokens of a chunk; `auto`: what fits into the model's context beside question and answer, 1,000 at most. @defaultValue 'auto' */
  readonly chunkTokens?: number | 'auto';
  /** Tokens that a chunk shares with the one before it; at most half of `chunkTokens`. @defaultValue 0 */
  readonly overlapTokens?: number;
  /** Whether answers are written in the order of the input, or as they are complete. @defaultValue 'input' */
  readonly order?: 'input' | 'completion';
  /** How the labels of chunks become one: the probabilities of all, by their tokens, or a voice for each. @defaultValue 'weighted' */
  readonly vote?: 'weighted' | 'majority';
  /** Memory of this process, in MiB: near it caches are dropped, then less is taken, then nothing. @defaultValue 1,024 */
  readonly memoryMb?: number;
  /** Documents between the input and the answer that is written, at most. @defaultValue 1,000 */
  readonly window?: number;
  /** Largest document, in bytes; a larger one is an error of its own. @defaultValue 67,108,864 (64 MiB) */
  readonly maxDocumentBytes?: number;
  /** A model that does not answer for so long, in ms, while nothing else does either, ends the run. @defaultValue 300,000 */
  readonly modelPatienceMs?: number;
}

export type ResolvedSettings = Required<Omit<DocumentsSettings, 'tokensPerMinute' | 'requestsPerMinute'>> &
  Pick<DocumentsSettings, 'tokensPerMinute' | 'requestsPerMinute'>;

interface NumberRow {
  readonly kind: 'integer' | 'number';
  readonly min: number;
  readonly max?: number;
  /** A word that may stand for the number. */
  readonly word?: string;
  readonly value: string;
  readonly default: number | string | undefined;
  readonly summary: string;
}

interface ChoiceRow {
  readonly kind: 'choice';
  readonly choices: readonly string[];
  readonly value: string;
  readonly default: string;
  readonly summary: string;
}

type Row = NumberRow | ChoiceRow;

/** The one list: options, flags, environment and help are made from it. */
export const settingsTable = {
  batchSize: {
    kind: 'integer',
    min: 1,
    max: 10_000,
    word: 'auto',
    value: 'n',
    default: 5,
    summary: 'documents worked on at once, or auto',
  },
  concurrency: { kind: 'integer', min: 1, max: 256, value: 'n', default: 3, summary: 'calls of models at once' },
  timeoutMs: { kind: 'integer', min: 1, value: 'ms', default: 30_000, summary: 'longest time of one attempt' },
  attempts: { kind: 'integer', min: 1, max: 100, value: 'n', default: 2, summary: 'attempts at a call in all, 1 s, 2 s, 4 s, … apart' },
  temperature: { kind: 'number', min: 0, max: 2, value: 'x', default: 0, summary: 'of the models' },
  tokensPerMinute: {
    ...{ kind: 'integer', min: 1, word: 'none', value: 'n', default: undefined },
    summary: 'in any 60 s, or none (default: 4096 behind a URL, none in process)',
  },
  requestsPerMinute: {
    ...{ kind: 'integer', min: 1, word: 'none', value: 'n', default: undefined },
    summary: 'in any 60 s, or none (default: 100 behind a URL, none in process)',
  },
  chunkTokens: { kind: 'integer', min: 16, word: 'auto', value: 'n', default: 'auto', summary: 'most tokens of a chunk, or auto' },
  overlapTokens: { kind: 'integer', min: 0, value: 'n', default: 0, summary: 'tokens that a chunk shares with the one before it' },
  order: { kind: 'choice', choices: ['input', 'completion'], value: 'order', default: 'input', summary: 'of the answers' },
  vote: {
    kind: 'choice',
    choices: ['weighted', 'majority'],
    value: 'how',
    default: 'weighted',
    summary: 'how the labels of chunks become one',
  },
  memoryMb: {
    kind: 'integer',
    min: 128,
    value: 'MiB',
    default: 1_024,
    summary: 'memory of this process; near it less is taken, then nothing',
  },
  window: {
    kind: 'integer',
    min: 1,
    max: 100_000,
    value: 'n',
    default: 1_000,
    summary: 'documents between input and written answer, at most',
  },
  maxDocumentBytes: { kind: 'integer', min: 1, value: 'n', default: 64 * 1024 * 1024, summary: 'largest document' },
  modelPatienceMs: {
    ...{ kind: 'integer', min: 1, value: 'ms', default: 300_000 },
    summary: 'how long a model that does not answer is waited for, before the run ends',
  },
} as const satisfies Readonly<Record<keyof DocumentsSettings, Row>>;

/** What `--preset` sets; what is given beside it counts. */
export const presets = { bulk: { batchSize: 10, concurrency: 5 } } as const satisfies Readonly<Record<string, DocumentsSettings>>;

const table: Readonly<Record<string, Row>> = settingsTable;

/** `batchSize` is `MILLRACE_DOCUMENTS_BATCH_SIZE`. */
export const variableOf = (key: string): string => `MILLRACE_DOCUMENTS_${key.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
const flagOf = (key: string): string => `--${key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

export interface SettingsSources {
  readonly flags: Readonly<Record<string, unknown>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** @defaultValue none */
  readonly preset?: string | undefined;
}

/**
 * Flags before environment before preset before defaults, setting by setting.
 * @throws OptionError that says where the setting was given, what was expected and what was given.
 */
export function settingsFrom({ flags, env, preset }: SettingsSources): ResolvedSettings {
  const given: Record<string, unknown> = { ...presetOf(preset, env[variableOf('preset')]) };
  for (const key of Object.keys(table)) {
    const [fromFlag, fromEnv] = [flags[key], env[variableOf(key)]];
    if (fromFlag !== undefined) given[key] = read(flagOf(key), table[key], fromFlag);
    else if (fromEnv !== undefined && fromEnv !== '') given[key] = read(variableOf(key), table[key], fromEnv);
  }
  return resolveDocumentsSettings(given);
}

function presetOf(flag: string | undefined, variable: string | undefined): DocumentsSettings {
  const [name, given] = flag === undefined ? [variableOf('preset'), variable] : ['--preset', flag];
  if (given === undefined || given === '') return {};
  const found = Object.entries(presets).find(([one]) => one === given)?.[1];
  if (found) return found;
  throw new OptionError(`${name} must be one of ${Object.keys(presets).join(', ')}, got ${JSON.stringify(given)}`);
}

/** @throws OptionError for an option outside its range. */
export function resolveDocumentsSettings(given: DocumentsSettings): ResolvedSettings {
  const resolved = Object.entries(table).flatMap(([key, row]) => {
    const value: unknown = Reflect.get(given, key) ?? row.default;
    return value === undefined ? [] : [[key, read(key, row, value)] as const];
  });
  const settings = Object.fromEntries(resolved) as unknown as ResolvedSettings;
  const { chunkTokens, overlapTokens } = settings;
  if (chunkTokens !== 'auto' && overlapTokens > chunkTokens / 2)
    throw new OptionError(`overlapTokens must be at most half of chunkTokens (${String(chunkTokens)}), got ${String(overlapTokens)}`);
  return settings;
}

function read(name: string, row: Row | undefined, value: unknown): unknown {
  if (row === undefined) return value;
  if (row.kind === 'choice') {
    if (row.choices.some((one) => one === value)) return value;
    throw new OptionError(`${name} must be one of ${row.choices.join(', ')}, got ${JSON.stringify(value)}`);
  }
  if (row.word !== undefined && value === row.word) return value;
  const number = typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value;
  const { min, max = Number.MAX_SAFE_INTEGER } = row;
  const isNumber = typeof number === 'number' && Number.isFinite(number) && (row.kind === 'number' || Number.isSafeInteger(number));
  if (isNumber && number >= min && number <= max) return number;
  const range = row.max === undefined ? `>= ${String(min)}` : `from ${String(min)} to ${String(max)}`;
  const kind = row.kind === 'integer' ? 'an integer' : 'a number';
  throw new OptionError(
    `${name} must be ${kind} ${range}${row.word === undefined ? '' : `, or ${row.word}`}, got ${JSON.stringify(value)}`,
  );
}

/** Of the memory that the cap leaves, what a document may take with all that is made of it, in MiB. */
const perDocumentMb = 16;

/** Documents at once for a machine: four a core wait for calls, as far as the memory goes. */
export const automaticBatchSize = ({ cores, memoryMb }: { readonly cores: number; readonly memoryMb: number }): number =>
  Math.max(1, Math.min(4 * cores, Math.floor(memoryMb / 2 / perDocumentMb)));
