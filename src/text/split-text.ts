import { createHash } from 'node:crypto';
import { type OptionNames, requireFunction, requireOptions } from '../check-options.ts';
import { type Clock, sleep, systemClock } from '../clock.ts';
import { OptionError, RecordError, requireInteger } from '../errors.ts';
import { boundariesOf, cuts, outsideOfPair } from './internal/boundaries.ts';
import { type Fitting, longestFitting, type Ratio } from './internal/longest-fitting.ts';

export interface SplitTextOptions {
  /** The most tokens of a chunk, counted by `countTokens`. >= 1. */
  readonly maxTokens: number;
  /** The most tokens at the end of a chunk that the next one begins with, whole sentences where one fits, else words. At most half of `maxTokens`. @defaultValue 0 */
  readonly overlapTokens?: number | undefined;
  /** Tokens of a text, as the model counts them: asked for every chunk, about three times. It need not add up over parts. */
  readonly countTokens: (text: string) => number | Promise<number>;
  /** @defaultValue the machine's clock */
  readonly clock?: Clock | undefined;
}

/** A part of a text that a model can take. */
export interface Chunk {
  /** From 0 on. */
  readonly index: number;
  readonly text: string;
  /** Where it begins in the text that was split, in UTF-16 units; before the end of the previous chunk by what they share. */
  readonly start: number;
  /** Where it ends: the first unit that is not in it. */
  readonly end: number;
  /** As `countTokens` counted exactly this text. */
  readonly tokens: number;
  /** SHA-256 of `text` in UTF-8, as 64 hexadecimal digits. */
  readonly hash: string;
}

const names: OptionNames<SplitTextOptions> = { maxTokens: true, overlapTokens: true, countTokens: true, clock: true };
const firstRatio = 4; // units a token in English
const spare = 1.3; // what is looked at beyond the guess
const mostTurnMs = 50;

/**
 * Cuts a text into chunks of at most `maxTokens`, whatever it is: between sentences, within a sentence that is too long between words, then between graphemes, then between characters. Chunks
 * cover the text: `text.slice(start, end)` is each of them, and without what they share with the previous one they join to the whole. The same text and options make the same chunks; text without
 * anything in it makes none. Normalise first (`normaliseText`), or differences that nobody sees make other hashes.
 *
 * Every chunk's tokens were counted, as a whole. In time that grows with the length of the text; each count is of about one chunk. Holds the text and its chunks; leaves the event loop alone for no
 * longer than 50 ms and one count.
 * @throws OptionError for options outside their ranges and counts that are none; what `countTokens` throws.
 * @throws RecordError (`prompt_too_long`) where one character has more than `maxTokens`.
 */
export async function splitText(text: string, options: SplitTextOptions): Promise<readonly Chunk[]> {
  requireOptions('splitText', options, names);
  const { maxTokens, overlapTokens = 0, countTokens, clock = systemClock } = options;
  requireInteger('splitText.maxTokens', maxTokens, 1);
  requireInteger('splitText.overlapTokens', overlapTokens, 0, Math.floor(maxTokens / 2));
  requireFunction('splitText.countTokens', countTokens, '(text) => number of tokens');
  const splitter = new Splitter(text, countTokens);
  const chunks: Chunk[] = [];
  let turnMs = clock.nowMs();
  for (let [start, covered] = [0, 0]; covered < text.length; ) {
    let next = await splitter.longestFrom(start, covered, maxTokens);
    if (next === undefined) {
      start = covered; // with what it shares not one character more would fit
      next = await splitter.longestFrom(start, covered, maxTokens);
    }
    if (next === undefined) throw tooFew(text, covered, maxTokens);
    const part = text.slice(start, next.end);
    chunks.push({ index: chunks.length, text: part, start, end: next.end, tokens: next.tokens, hash: hashOf(part) });
    covered = next.end;
    start = overlapTokens === 0 || covered === text.length ? covered : await splitter.sharedFrom(start, covered, overlapTokens);
    if (clock.nowMs() - turnMs >= mostTurnMs) {
      await sleep(clock, 0);
      turnMs = clock.nowMs();
    }
  }
  return chunks;
}

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');

const tooFew = (text: string, at: number, maxTokens: number): RecordError =>
  new RecordError(
    'prompt_too_long',
    `expected a text of which each character has at most ${String(maxTokens)} tokens, got one with more at ${String(at)} ` +
      `(U+${(text.codePointAt(at) ?? 0).toString(16).toUpperCase().padStart(4, '0')}); raise maxTokens`,
  );

interface End {
  readonly end: number;
  readonly tokens: number;
}

class Splitter {
  readonly #text: string;
  readonly #countTokens: (text: string) => number | Promise<number>;
  readonly #ratio: Ratio = { unitsPerToken: firstRatio };

  constructor(text: string, countTokens: (text: string) => number | Promise<number>) {
    this.#text = text;
    this.#countTokens = countTokens;
  }

  /** The end of the longest chunk from `start` on that goes beyond `covered`, at the kindest cut that fits. */
  async longestFrom(start: number, covered: number, most: number): Promise<End | undefined> {
    let limit = this.#limitOf(covered, start + this.#roomOf(most));
    for (;;) {
      const { found, isOpen } = await this.#kindestWithin(start, covered, limit, most);
      // what was looked at is used up, and much more would fit: tokens are longer here than they were
      if (!isOpen || limit === this.#text.length || (found !== undefined && found.tokens >= most * 0.9)) return found;
      // at least two units more: what ends within a pair is rounded down, and would stay where it is for ever
      limit = this.#limitOf(covered, Math.max(limit + 2, start + 2 * (limit - start)));
    }
  }

  /** `isOpen`: more might fit if more were looked at. */
  async #kindestWithin(start: number, covered: number, until: number, most: number): Promise<{ found: End | undefined; isOpen: boolean }> {
    let limit = until;
    for (const cut of cuts) {
      const ends = [...boundariesOf(this.#text, cut, covered, limit)];
      const fitting = await this.#longest(
        ends.map((end) => [start, end] as const),
        most,
      );
      if (fitting !== undefined) {
        const { index, tokens } = fitting;
        return { found: { end: ends[index] ?? limit, tokens }, isOpen: limit === until && index === ends.length - 1 };
      }
      limit = ends[0] ?? limit; // not even the first piece fits: its parts
    }
    return { found: undefined, isOpen: false };
  }

  /** Where the next chunk begins, so that it shares at most `most` tokens with the one from `start` to `end`. */
  async sharedFrom(start: number, end: number, most: number): Promise<number> {
    let from = start;
    for (const cut of cuts) {
      const near = Math.max(from, end - Math.ceil(most * this.#ratio.unitsPerToken * 4));
      const starts = [...boundariesOf(this.#text, cut, outsideOfPair(this.#text, near), end)]
        .filter((one) => one > start && one < end)
        .reverse();
      const found = await this.#longest(
        starts.map((one) => [one, end] as const),
        most,
      );
      if (found !== undefined) return starts[found.index] ?? end;
      from = starts[0] ?? from;
    }
    return end;
  }

  #roomOf(most: number): number {
    return most * this.#ratio.unitsPerToken * spare;
  }

  #limitOf(covered: number, at: number): number {
    const limit = Math.min(this.#text.length, Math.max(covered + 2, Math.ceil(at)));
    return outsideOfPair(this.#text, limit);
  }

  #longest(ranges: readonly (readonly [number, number])[], most: number): Promise<Fitting | undefined> {
    const count = (index: number): number | Promise<number> => {
      const [from, to] = ranges[index] ?? [0, 0];
      const counted = this.#countTokens(this.#text.slice(from, to));
      return typeof counted === 'number' ? checked(counted) : counted.then(checked);
    };
    return longestFitting({ lengths: ranges.map(([from, to]) => to - from), count }, most, this.#ratio);
  }
}

function checked(tokens: unknown): number {
  if (typeof tokens === 'number' && tokens >= 0 && Number.isFinite(tokens)) return tokens;
  throw new OptionError(
    `splitText.countTokens must give a number >= 0, got ${typeof tokens === 'number' ? String(tokens) : typeof tokens}`,
  );
}
