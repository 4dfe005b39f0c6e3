import type { HostileCase } from './case.ts';

/** What the worker is told; later how many records there are, a batch that cannot be read counts as one. */
export interface Scene {
  readonly brokers: readonly string[];
  readonly output: string;
  readonly deadLetter: string;
}

/** What the worker tells. */
export interface Progress {
  readonly done: number;
  readonly failed: number;
  /** Memory above that of the start, at most, in bytes. */
  readonly grown: number;
  /** The longest time in which nothing else could run. */
  readonly longestMs: number;
}

/** What is written for each record. */
export interface Answer {
  /** Of a good record: when the broker had it. */
  readonly appendedMs: number | null;
  readonly partition: number;
}

export type Kind = Exclude<HostileCase['codec'], 'text' | 'avro file'>;

/** The topic of each codec. */
export const inputs = {
  avro: 'hostile.avro',
  'avro framed': 'hostile.framed',
  json: 'hostile.json',
  'json with a schema': 'hostile.numbers',
  'json schema framed': 'hostile.schemas',
} as const satisfies Record<Kind, string>;

/** Good records are a time, in each codec: what hostile ones are after all is none. */
export function isGood(value: unknown): boolean {
  if (Array.isArray(value) && value.length === 1) return isTime(value[0]);
  if (typeof value !== 'object' || value === null) return false;
  const { Long: long, sentMs } = value as { readonly Long?: { readonly is: bigint }; readonly sentMs?: unknown };
  return isTime(long === undefined ? sentMs : Number(long.is));
}

const isTime = (value: unknown): boolean => typeof value === 'number' && value > 1e12 && value < 1e13;
