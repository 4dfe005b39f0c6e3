/** How long a text of so many tokens is, learnt from what was counted. */
export interface Ratio {
  unitsPerToken: number;
}

export interface Fitting {
  /** The place of the longest candidate that was found to fit. */
  readonly index: number;
  readonly tokens: number;
}

export interface Candidates {
  /** UTF-16 units of each candidate, ascending. */
  readonly lengths: readonly number[];
  readonly count: (index: number) => number | Promise<number>;
}

const guesses = 4; // after them halves: a text whose parts are unlike (numbers behind prose) fools a guess for ever

/** The last of `lengths` that is at most `limit`, or -1. */
function lastWithin(lengths: readonly number[], limit: number): number {
  let [low, high] = [-1, lengths.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((lengths[middle] ?? 0) <= limit) low = middle;
    else high = middle;
  }
  return low;
}

/**
 * The longest candidate of at most `most` tokens, by few counts: one or two where tokens are spread evenly, never more than 4 and the logarithm of the number of candidates. Where the next
 * longer one would not fit by what this one has, it is not counted, so a slightly longer one may have been missed. `undefined`: none fits.
 */
export async function longestFitting(candidates: Candidates, most: number, ratio: Ratio): Promise<Fitting | undefined> {
  const { lengths } = candidates;
  let [low, high] = [-1, lengths.length];
  let tokens = 0;
  let isFit = true; // what was counted last
  for (let counts = 0; high - low > 1; counts += 1) {
    const guess = lastWithin(lengths, most * ratio.unitsPerToken);
    if (low >= 0 && guess <= low && isFit) break;
    const index = counts < guesses ? Math.min(high - 1, Math.max(low + 1, guess)) : (low + high) >> 1;
    const counted = candidates.count(index);
    const found = typeof counted === 'number' ? counted : await counted;
    ratio.unitsPerToken = (lengths[index] ?? 1) / Math.max(1, found);
    isFit = found <= most;
    if (isFit) [low, tokens] = [index, found];
    else high = index;
  }
  return low < 0 ? undefined : { index: low, tokens };
}
