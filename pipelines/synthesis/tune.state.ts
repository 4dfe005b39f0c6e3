/** How a number of workers did. */
export interface Tuned {
  readonly workers: number;
  readonly seedsPerMinute: number;
  readonly overloads: number;
  readonly memoryMb: number;
}

/** More workers must give that much more, to be worth their memory and what they ask of others. */
const worthIt = 1.1;

/** The fewest workers that do nearly as well as the best, of those that nobody told it was too much. */
export function suggestWorkers(tried: readonly Tuned[]): number {
  const quiet = tried.filter(({ overloads }) => overloads === 0);
  const among = (quiet.length > 0 ? quiet : tried).toSorted((a, b) => a.workers - b.workers);
  const best = Math.max(0, ...among.map(({ seedsPerMinute }) => seedsPerMinute));
  return among.find(({ seedsPerMinute }) => seedsPerMinute * worthIt >= best)?.workers ?? 1;
}

/** `1,2,4,8` as numbers; undefined for what is no such list. */
export function workersIn(text: string): readonly number[] | undefined {
  const numbers = text.split(',').map((one) => (/^\s*\d+\s*$/.test(one) ? Number(one) : 0));
  return numbers.every((one) => one >= 1 && one <= 256) && new Set(numbers).size === numbers.length ? numbers : undefined;
}
