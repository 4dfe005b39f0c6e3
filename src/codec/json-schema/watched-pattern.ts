/** Thrown by a pattern that may take for ever, where nobody watches the time. */
export class WatchMe extends Error {}

const harmlessLength = 16; // two ways a character are 65,000 steps
const modestLength = 2_000; // squared, a few milliseconds
const mostOptional = 8;
let isWatched = false;

/** Runs `work` as what is watched: patterns do not ask for it again. */
export function asWatched<T>(work: () => T): T {
  const before = isWatched;
  isWatched = true;
  try {
    return work();
  } finally {
    isWatched = before;
  }
}

export interface Pattern {
  test(text: string): boolean;
  toString(): string;
}

/**
 * A regular expression of a schema, for text of anybody's. What may backtrack without end on a text as long as this throws {@link WatchMe}, unless it is watched already. Patterns that
 * are none with the flag `u` (`\-`, as other languages let pass) are read without.
 * @throws SyntaxError for what is no regular expression either way
 */
export function watchedPattern(pattern: string): Pattern {
  const compiled = compile(pattern);
  const longest = isSimple(pattern) ? modestLength : harmlessLength;
  return {
    test: (text) => {
      if (text.length > longest && !isWatched) throw new WatchMe('the pattern may take long');
      return compiled.test(text);
    },
    toString: () => compiled.toString(),
  };
}

function compile(pattern: string): RegExp {
  try {
    return new RegExp(pattern, 'u');
  } catch {
    return new RegExp(pattern);
  }
}

/** At most one thing repeats, nothing in it does, little is optional, and nothing looks around or back: then time grows with the square of the length at worst. */
export function isSimple(pattern: string): boolean {
  const plain = pattern.replaceAll(/\\[^]/gu, (escaped) => (/\\[1-9k]/.test(escaped) ? '(?=' : 'x')).replaceAll(/\[[^\]]*\]/g, 'x');
  const repeats = plain.match(/[*+]|\{\d*,\d*\}|\{\d{4,}\}/g)?.length ?? 0;
  const optional = plain.match(/[^(*+?}]\?/g)?.length ?? 0;
  const hasGroups = /\)(?:[*+]|\{)/.test(plain) || /\(\?[=!<]/.test(plain);
  return repeats <= 1 && optional <= mostOptional && !hasGroups;
}
