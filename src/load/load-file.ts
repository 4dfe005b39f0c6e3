import { readFile } from 'node:fs/promises';
import { messageOf, OptionError } from '../errors.ts';
import { nearest } from '../nearest.ts';
import type { LoadOptions } from './load-plan.ts';

type Kind = 'text' | 'integer' | 'text or number' | 'object';

/** What a file may say: the options of the command line by their names, and those of no flag. */
const kinds: Readonly<Record<keyof LoadOptions, Kind>> = {
  ...{ url: 'text', kind: 'text', method: 'text', model: 'text', apiKeyEnv: 'text', mode: 'text', prompts: 'text' },
  ...{ queues: 'integer', loops: 'integer', tasks: 'integer', maxOpen: 'integer', users: 'integer', maxTokens: 'integer', seed: 'integer' },
  ...{ duration: 'text or number', rate: 'text or number', warmUp: 'text or number', timeout: 'text or number' },
  body: 'object',
};

/** Where results go is told by flags or in the file, too. */
interface FileOptions extends LoadOptions {
  readonly out?: string;
  readonly log?: string;
}

const allKinds: Readonly<Record<keyof FileOptions, Kind>> = { ...kinds, out: 'text', log: 'text' };

/** The names of an older tool, under `pressure`. */
const older: Readonly<Record<string, keyof LoadOptions>> = {
  'target-url': 'url',
  'num-threads': 'queues',
  'num-tasks': 'tasks',
  'num-users': 'users',
};

export interface LoadFile {
  readonly options: FileOptions;
  /** What was left out, for people: unknown names, and where they stand. */
  readonly warnings: readonly string[];
}

const mostBytes = 1_048_576;

/**
 * Options of a run from YAML: by the names of the flags (`max-tokens` or `maxTokens`), at the top or under `pressure:`, nested or as `pressure.mode`.
 * @throws OptionError with file and line, for what is no YAML and for values of another kind.
 */
export async function loadFile(path: string): Promise<LoadFile> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new OptionError(`cannot read the run's options from ${path}: ${messageOf(error)}`, { cause: error });
  }
  if (text.length > mostBytes) throw new OptionError(`${path} has ${String(text.length)} characters; options have 1 MiB at most`);
  return readOptions(text, path);
}

/** One value, and where it stands. */
interface Entry {
  readonly name: string;
  readonly value: unknown;
  readonly at: string;
}

/** As {@link loadFile}, of a text. */
export async function readOptions(text: string, path: string): Promise<LoadFile> {
  const { isMap, isScalar, LineCounter, parseDocument } = await import('yaml');
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, maxAliasCount: 100 } as object);
  const atOffset = (offset: number): string => `${path}:${String(lines.linePos(offset).line)}`;
  const [broken] = document.errors;
  if (broken) throw new OptionError(`${atOffset(broken.pos[0])}: no YAML: ${broken.message.split('\n')[0] ?? ''}`);
  const entries: Entry[] = [];
  const collect = (node: unknown, before: string): void => {
    if (!isMap(node)) throw new OptionError(`${path}:1: expected names with values, such as queues: 5`);
    for (const { key, value } of node.items) {
      const name = isScalar(key) ? String(key.value) : '';
      const at = atOffset(isScalar(key) ? (key.range?.[0] ?? 0) : 0);
      if (name === 'pressure' && before === '' && isMap(value)) collect(value, 'pressure.');
      else entries.push({ name: `${before}${name}`, value: plain(value, at), at });
    }
  };
  const plain = (node: unknown, at: string): unknown => {
    if (node === null || node === undefined) return null;
    try {
      const value = (node as { toJS(doc: unknown): unknown }).toJS(document);
      JSON.stringify(value); // throws for an alias within its own anchor
      return value;
    } catch (error) {
      throw new OptionError(`${at}: its aliases make no value: ${messageOf(error).split('\n')[0] ?? ''}`, { cause: error });
    }
  };
  if (document.contents !== null) collect(document.contents, '');
  return joined(entries);
}

function joined(entries: readonly Entry[]): LoadFile {
  const options: Record<string, unknown> = {};
  const seen = new Map<string, string>();
  const warnings: string[] = [];
  for (const { name, value, at } of entries) {
    const short = name.replace(/^pressure\./, '');
    const option = older[short] ?? camel(short);
    if (!Object.hasOwn(allKinds, option)) {
      const meant = nearest(short, [...Object.keys(allKinds).map(kebab), ...Object.keys(older)]);
      warnings.push(`${at}: there is no option ${name}; ${meant === undefined ? 'it' : `did you mean ${meant}? It`} is left out`);
      continue;
    }
    if (value === null) continue; // `duration:` with nothing behind it
    const before = seen.get(option);
    if (before !== undefined) throw new OptionError(`${at}: ${name} says again what stands in ${before}`);
    seen.set(option, at);
    options[option] = checked(name, value, allKinds[option as keyof FileOptions], at);
  }
  return { options, warnings };
}

function checked(name: string, value: unknown, kind: Kind, at: string): unknown {
  const isNumber = typeof value === 'number' && Number.isFinite(value);
  const fits = {
    text: typeof value === 'string',
    integer: Number.isSafeInteger(value),
    'text or number': typeof value === 'string' || isNumber,
    object: typeof value === 'object' && !Array.isArray(value),
  }[kind];
  if (fits) return value;
  const got = typeof value === 'string' || isNumber ? JSON.stringify(value) : Array.isArray(value) ? 'a list' : typeof value;
  throw new OptionError(`${at}: ${name} must be ${kind === 'integer' || kind === 'object' ? 'an' : 'a'} ${kind}, got ${got}`);
}

const camel = (name: string): string => name.replaceAll(/[-_](\w)/g, (_, letter: string) => letter.toUpperCase());
const kebab = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
