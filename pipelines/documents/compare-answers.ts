import { memberOf } from './member-of.ts';
import type { Json } from './merge/merge-extractions.ts';
import type { Task } from './tasks/task.ts';

/**
 * How much two answers to one task say the same, 0 to 1. Labels: 1 for the same. Vectors: their cosine, 0 where they are of different models and cannot be compared. Keywords, texts and
 * extractions: the share of their words that both have (Jaccard).
 */
export function compareAnswers(kind: Task['kind'], a: Json, b: Json): number {
  if (kind === 'classify') return labelOf(a) === labelOf(b) ? 1 : 0;
  if (kind === 'embed') return cosine(a as readonly number[], b as readonly number[]);
  const [words, others] = [wordsOf(a), wordsOf(b)];
  const both = [...words].filter((word) => others.has(word)).length;
  const all = words.size + others.size - both;
  return all === 0 ? 1 : rounded(both / all);
}

const labelOf = (value: Json): unknown => memberOf(value, 'label') ?? value;

function cosine(a: readonly number[], b: readonly number[]): number {
  if (a.length !== b.length || a.length === 0) return 0;
  const product = a.reduce((sum, one, at) => sum + one * (b[at] ?? 0), 0); // both are of length 1
  return rounded(Math.max(0, Math.min(1, product)));
}

function wordsOf(value: Json): ReadonlySet<string> {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return new Set(
    text
      .normalize('NFKC')
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu) ?? [],
  );
}

const rounded = (share: number): number => Math.round(share * 10_000) / 10_000;
