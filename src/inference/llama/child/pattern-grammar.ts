import { type CharacterSet, everyOfPlane, inString, setOf, without } from './character-set.ts';
import { type Bounds, either, elementsOf, extentOf, type GrammarNode, nothing, sequence, text, times } from './grammar-node.ts';

const mostRepeats = 1_000;
const mostElements = 5_000;
/** How often what has no end is repeated in a pattern that spells out a format: one character, and a group. A small model goes on with it for as long as it may. */
const mostInFormat = { character: 16, group: 3 } as const;
const mostNested = 32;
const mostCharacters = 4_000;

/**
 * A regular expression as the grammar of a JSON string that holds a match of it; undefined for what is not plain: look-arounds, references, classes of
 * properties, and what is too large. `lengths` are kept where it is one class, repeated. Only characters of the first plane come of it. `isFormat`: it spells
 * out a format whose matches are short (a time, an address), so nothing in it is repeated without end.
 */
export function patternGrammar(pattern: string, lengths: Bounds, isFormat = false): GrammarNode | undefined {
  if (pattern.length > mostCharacters) return undefined;
  try {
    RegExp(pattern);
    const body = new PatternReader(pattern, isFormat).read(lengths);
    return elementsOf(body) > mostElements ? undefined : sequence(text('"'), body, text('"'));
  } catch (error) {
    if (error instanceof NotPlain || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

class NotPlain extends Error {}

const digits: CharacterSet = [[0x30, 0x39]];
const words = setOf([...digits, [0x41, 0x5a], [0x5f, 0x5f], [0x61, 0x7a]]);
const spaces = setOf([
  [0x09, 0x0d],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
]);
const lineEnds = setOf([
  [0x0a, 0x0a],
  [0x0d, 0x0d],
  [0x2028, 0x2029],
]);
const classes: Readonly<Record<string, CharacterSet>> = {
  d: digits,
  D: without(digits),
  w: words,
  W: without(words),
  s: spaces,
  S: without(spaces),
};
const controls: Readonly<Record<string, number>> = { n: 0x0a, r: 0x0d, t: 0x09, f: 0x0c, v: 0x0b, 0: 0 };

/** Reads what `RegExp` has accepted. */
class PatternReader {
  readonly #characters: readonly string[];
  readonly #isFormat: boolean;
  #at = 0;
  #depth = 0;

  constructor(pattern: string, isFormat: boolean) {
    this.#characters = Array.from(pattern);
    this.#isFormat = isFormat;
  }

  /** Each way at the top with what may stand around it where it is not anchored. */
  read(lengths: Bounds): GrammarNode {
    const anything = times(one(everyOfPlane), 0, Number.POSITIVE_INFINITY);
    const options: GrammarNode[] = [];
    do {
      const begins = this.#take('^');
      const parts = this.#sequence();
      const ends = this.#take('$');
      const [only] = parts;
      const whole = begins && ends && parts.length === 1 && only?.kind === 'times' ? within(only, lengths) : sequence(...parts);
      options.push(sequence(...(begins ? [] : [anything]), whole, ...(ends ? [] : [anything])));
    } while (this.#take('|'));
    if (this.#at < this.#characters.length) throw new NotPlain(); // an anchor in the midst
    return either(options);
  }

  get #next(): string | undefined {
    return this.#characters[this.#at];
  }

  #take(character: string): boolean {
    if (this.#next !== character) return false;
    this.#at += 1;
    return true;
  }

  #sequence(): readonly GrammarNode[] {
    const parts: GrammarNode[] = [];
    for (let next = this.#next; next !== undefined && !'|)^$'.includes(next); next = this.#next) parts.push(this.#repeated(this.#atom()));
    return parts.length === 0 ? [nothing] : parts;
  }

  #repeated(part: GrammarNode): GrammarNode {
    const [least, most] = this.#quantifier() ?? [1, 1];
    if (least === 1 && most === 1) return part;
    this.#take('?'); // lazy or not, the texts are the same
    if (least > mostRepeats || (Number.isFinite(most) && most > mostRepeats)) throw new NotPlain();
    // parsers of grammars do not come to an end where nothing may be repeated
    if (extentOf(part, new Map()).least === 0 && (!Number.isFinite(most) || most > 1)) throw new NotPlain();
    return times(
      part,
      least,
      this.#isFormat && !Number.isFinite(most) ? Math.max(least, mostInFormat[isCharacter(part) ? 'character' : 'group']) : most,
    );
  }

  #quantifier(): readonly [number, number] | undefined {
    if (this.#take('*')) return [0, Number.POSITIVE_INFINITY];
    if (this.#take('+')) return [1, Number.POSITIVE_INFINITY];
    if (this.#take('?')) return [0, 1];
    const counts = /^\{(\d+)(,?)(\d*)\}/.exec(this.#characters.slice(this.#at, this.#at + 32).join(''));
    if (!counts) return undefined;
    this.#at += counts[0].length;
    const least = Number(counts[1]);
    return [least, counts[2] === '' ? least : counts[3] === '' ? Number.POSITIVE_INFINITY : Number(counts[3])];
  }

  #atom(): GrammarNode {
    if (this.#take('.')) return one(without(lineEnds));
    if (this.#take('(')) return this.#group();
    if (this.#take('[')) return one(this.#class());
    if (this.#take('\\')) return one(this.#escaped());
    const code = this.#next?.codePointAt(0) ?? 0;
    this.#at += 1;
    return one([[code, code]]);
  }

  #group(): GrammarNode {
    if (this.#take('?')) this.#groupKind();
    this.#depth += 1;
    if (this.#depth > mostNested) throw new NotPlain();
    const options: GrammarNode[] = [];
    do options.push(sequence(...this.#sequence()));
    while (this.#take('|'));
    if (!this.#take(')')) throw new NotPlain();
    this.#depth -= 1;
    return either(options);
  }

  #groupKind(): void {
    if (this.#take(':')) return;
    if (!this.#take('<') || this.#next === '=' || this.#next === '!') throw new NotPlain();
    while (this.#next !== undefined && !this.#take('>')) this.#at += 1;
  }

  #class(): CharacterSet {
    const isNegated = this.#take('^');
    const ranges: (readonly [number, number])[] = [];
    while (!this.#take(']')) {
      const from = this.#member();
      const isRange = this.#next === '-' && this.#characters[this.#at + 1] !== ']';
      if (!isRange) {
        ranges.push(...from);
        continue;
      }
      this.#at += 1;
      ranges.push([onlyOf(from), onlyOf(this.#member())]);
    }
    return isNegated ? without(setOf(ranges)) : setOf(ranges);
  }

  #member(): CharacterSet {
    if (this.#take('\\')) return this.#take('b') ? [[0x08, 0x08]] : this.#escaped();
    const code = this.#next?.codePointAt(0) ?? 0;
    this.#at += 1;
    return [[code, code]];
  }

  #escaped(): CharacterSet {
    const character = this.#next ?? '';
    this.#at += 1;
    const known = classes[character];
    if (known) return known;
    if (character === '0' && /[0-9]/.test(this.#next ?? '')) throw new NotPlain();
    const code = controls[character] ?? (character === 'x' ? this.#hex(2) : character === 'u' ? this.#hex(4) : undefined);
    if (code !== undefined) return [[code, code]];
    if (/[0-9A-Za-z]/.test(character)) throw new NotPlain(); // boundaries, references, properties
    return [[character.codePointAt(0) ?? 0, character.codePointAt(0) ?? 0]];
  }

  #hex(length: number): number {
    const digitsOfCode = this.#characters.slice(this.#at, this.#at + length).join('');
    if (!/^[0-9a-f]+$/i.test(digitsOfCode)) throw new NotPlain(); // \u{…}
    this.#at += length;
    return Number.parseInt(digitsOfCode, 16);
  }
}

/** A character of the set that belongs to the first plane. */
function one(set: CharacterSet): GrammarNode {
  const plane = set.flatMap(([from, to]): [number, number][] => (from > 0xffff ? [] : [[from, Math.min(to, 0xffff)]]));
  const node = inString(plane);
  if (!node) throw new NotPlain();
  return node;
}

/** The end of a range: `[\w-.]` has none, and means something else than it seems. */
function onlyOf(set: CharacterSet): number {
  const [[from, to] = [0, 1]] = set;
  if (set.length !== 1 || from !== to) throw new NotPlain();
  return from;
}

/** The bounds of a repeated class and of the string at once; a class is one character. */
function within(node: GrammarNode & { readonly kind: 'times' }, { least, most }: Bounds): GrammarNode {
  const { part } = node;
  const [from, to] = [Math.max(node.least, least), Math.min(node.most, most)];
  return isCharacter(part) && from <= to ? times(part, from, to) : node;
}

const isCharacter = (node: GrammarNode): boolean =>
  node.kind === 'class' || (node.kind === 'either' && node.options.every(({ kind }) => kind === 'class' || kind === 'text'));
