import { seededRandom } from '../inference/scripted/seeded-random.ts';

/** Random choices that a seed repeats. */
export interface Random {
  readonly chance: (p: number) => boolean;
  /** Both ends included. */
  readonly int: (from: number, to: number) => number;
  readonly pick: <T>(items: readonly [T, ...T[]]) => T;
}

export function randomFrom(seed: number, ...words: readonly (string | number)[]): Random {
  const next = seededRandom(seed, ...words);
  for (let i = 0; i < 3; i += 1) next(); // neighbouring seeds begin alike
  const int = (from: number, to: number): number => from + Math.floor(next() * (to - from + 1));
  return { chance: (p) => next() < p, int, pick: (items) => items[int(0, items.length - 1)] ?? items[0] };
}
