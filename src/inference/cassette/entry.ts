import { createHash } from 'node:crypto';
import { InferenceError } from '../../errors.ts';
import type { ModelCapabilities } from '../model.ts';

/** What was asked: the method, and everything that the answer depends on. */
export interface Asked {
  readonly method: 'chat' | 'complete' | 'classify' | 'embed' | 'rerank' | 'infer' | 'countTokens';
  readonly request: object;
}

/** One line of a cassette. */
export interface Entry extends Asked {
  readonly key: string;
  /** What was emitted, in order; of `afterMs` there are as many, or none where times were not recorded. */
  readonly emitted?: readonly unknown[];
  readonly afterMs?: readonly number[];
  /** A failure that would be the same again. */
  readonly error?: { readonly code: string; readonly message: string };
}

/** The first line. */
export interface Header {
  readonly cassette: 1;
  readonly model: string;
  readonly capabilities: ModelCapabilities;
}

/** What an answer is found by: the same for the same question, whatever the order of its fields. */
export const keyOf = ({ method, request }: Asked): string =>
  createHash('sha256')
    .update(`${method} ${stableJson(request)}`)
    .digest('hex')
    .slice(0, 16);

/** JSON with sorted keys; what is undefined is left out, as JSON does. */
export function stableJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

/** The lines of a file: people read its diffs, so the order is that of the questions and not that of the calls. */
export function linesOf(header: Header, entries: Iterable<Entry>): string {
  const sorted = [...entries]
    .map((entry) => ({ sort: `${entry.method} ${stableJson(entry.request)}`, entry }))
    .sort((a, b) => (a.sort < b.sort ? -1 : 1));
  const lines = sorted.map(({ entry: { method, key, request, ...answer } }) => JSON.stringify({ method, key, request, ...answer }));
  return [JSON.stringify(header), ...lines, ''].join('\n');
}

/** @throws InferenceError `model_damaged` for a file that is no cassette. */
export function parseLines(file: string, text: string): { readonly header: Header; readonly entries: readonly Entry[] } {
  const [first, ...lines] = text.split('\n').filter((line) => line.trim() !== '');
  const header = parse(file, 1, first ?? '', isHeader);
  return { header, entries: lines.map((line, at) => parse(file, at + 2, line, isEntry)) };
}

function parse<T>(file: string, number: number, line: string, fits: (value: unknown) => value is T): T {
  try {
    const value: unknown = JSON.parse(line);
    if (fits(value)) return value;
  } catch {
    // said below
  }
  throw new InferenceError(
    'model_damaged',
    `line ${String(number)} of ${file} is no line of a cassette: record it again, or take the line out`,
  );
}

const isHeader = (value: unknown): value is Header =>
  typeof value === 'object' && value !== null && 'cassette' in value && value.cassette === 1 && 'model' in value && 'capabilities' in value;

const isEntry = (value: unknown): value is Entry =>
  typeof value === 'object' &&
  value !== null &&
  'key' in value &&
  typeof value.key === 'string' &&
  'method' in value &&
  ('emitted' in value ? Array.isArray(value.emitted) : 'error' in value);
