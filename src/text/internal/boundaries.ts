/** Where a text may be cut, the kindest cut first. */
export const cuts = ['sentence', 'word', 'grapheme', 'character'] as const;
export type Cut = (typeof cuts)[number];

// ICU's segments are found in time that grows with the square of what it is given (a megabyte took 4 minutes), so it is given little at a time
const windowUnits = 512;
/** What is longer is cut here: sentences as lists and tables have them, words as hashes, letters with a thousand accents. */
const mostUnits: Readonly<Record<Exclude<Cut, 'character'>, number>> = { sentence: 16_384, word: 4_096, grapheme: 1_024 };

const segmenters = new Map<Cut, Intl.Segmenter>();
function segmenterOf(cut: Exclude<Cut, 'character'>): Intl.Segmenter {
  const segmenter = segmenters.get(cut) ?? new Intl.Segmenter('und', { granularity: cut });
  segmenters.set(cut, segmenter);
  return segmenter;
}

const isHigh = (unit: number): boolean => unit >= 0xd800 && unit < 0xdc00;
const isLow = (unit: number): boolean => unit >= 0xdc00 && unit < 0xe000;

/** `at`, or one less where a character of two units would be cut. */
export function outsideOfPair(text: string, at: number): number {
  const isInside = at > 0 && at < text.length && isHigh(text.charCodeAt(at - 1)) && isLow(text.charCodeAt(at));
  return isInside ? at - 1 : at;
}

/**
 * Where pieces of `text` end, between `from` (where one begins) and `to`: the last piece is left out unless it ends with the text, since nobody knows where it ends. White space ends with the
 * piece before it. In time that grows with `to - from`.
 */
export function* boundariesOf(text: string, cut: Cut, from: number, to: number): Generator<number> {
  if (cut === 'character') yield* charactersOf(text, from, to);
  else if (cut === 'sentence' || !isAscii.test(text.slice(from, Math.min(to + 1, text.length)))) yield* segmentsOf(text, cut, from, to);
  else if (cut === 'grapheme') yield* unitsOf(from, to);
  else yield* spacedWordsOf(text, from, to);
}

const isAscii = /^[\x20-\x7e]*$/;

function* spacedWordsOf(text: string, from: number, to: number): Generator<number> {
  for (let at = text.indexOf(' ', from) + 1; at > 0 && at < to; at = text.indexOf(' ', at) + 1) {
    if (at > from && text.charCodeAt(at) !== 32) yield at;
  }
  if (to === text.length) yield to;
}

function* unitsOf(from: number, to: number): Generator<number> {
  for (let at = from + 1; at <= to; at += 1) yield at;
}

function* charactersOf(text: string, from: number, to: number): Generator<number> {
  for (let at = from + 1; at <= to; at += 1) if (outsideOfPair(text, at) === at) yield at;
}

function* segmentsOf(text: string, cut: Exclude<Cut, 'character'>, from: number, to: number): Generator<number> {
  let size = windowUnits;
  for (let start = from; start < to; ) {
    const end = outsideOfPair(text, Math.min(start + size, to));
    const ends = endsWithin(text.slice(start, end), cut);
    const isLast = end >= to || end <= start;
    if (isLast && end === text.length) ends.push(end - start);
    for (const one of ends) yield start + one;
    if (isLast) return;
    const reached = ends.at(-1);
    if (reached !== undefined) {
      start += reached;
      size = windowUnits;
    } else if (size < mostUnits[cut]) size *= 2;
    else {
      yield end; // no end in sight
      start = end;
    }
  }
}

/** Where the pieces of a window end, without the last one. */
function endsWithin(part: string, cut: Exclude<Cut, 'character'>): number[] {
  const ends: number[] = [];
  for (const { index, isWordLike } of segmenterOf(cut).segment(part)) {
    if (index > 0 && (cut !== 'word' || isWordLike === true)) ends.push(index);
  }
  return ends;
}
