import { CodecError, type ErrorCode } from '../../errors.ts';

export interface JsonBounds {
  /** Objects and lists within each other. */
  readonly maxDepth: number;
  /** Members and items of all objects and lists added up; an empty one counts as one. */
  readonly maxItems: number;
}

const quote = 0x22;
const comma = 0x2c;
const backslash = 0x5c;
const openingBracket = 0x5b;
const lowerCase = 0x20; // that is also what brackets and braces differ by
const openingBrace = 0x7b;
const closingBrace = 0x7d;

/**
 * Refuses JSON that would become too much before any of it is made: a million keys take a second and 80 MB. Text too short to
 * pass a bound pays nothing for it; where brackets are few, as they mostly are, they are counted instead of all characters being looked at.
 * What is no JSON at all is left to the parser.
 * @throws CodecError of the code given.
 */
export function requireBounded(text: string, bounds: JsonBounds, code: ErrorCode): void {
  const { maxDepth, maxItems } = bounds;
  const mayHoldItems = text.length > 2 * maxItems && holdsMoreThan(maxItems, text, ',{['); // each has a character of its own and one that ends it
  const mayBeDeep = !mayHoldItems && text.length > 2 * maxDepth && holdsMoreThan(maxDepth, text, '{[');
  if (mayHoldItems || mayBeDeep) scan(text, bounds, code);
}

/** Those in texts count, too: whoever is suspected is looked at. */
function holdsMoreThan(most: number, text: string, signs: string): boolean {
  let found = 0;
  for (const sign of signs) {
    for (let at = text.indexOf(sign); at >= 0; at = text.indexOf(sign, at + 1)) {
      found += 1;
      if (found > most) return true;
    }
  }
  return false;
}

function scan(text: string, { maxDepth, maxItems }: JsonBounds, code: ErrorCode): void {
  let depth = 0;
  let items = 0;
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charCodeAt(at);
    if (char === quote) at = endOfText(text, at + 1);
    else if (char === comma) items += 1;
    else if (char >= openingBracket) {
      const kind = char | lowerCase;
      if (kind === openingBrace) {
        items += 1;
        depth += 1;
        if (depth > maxDepth) refuse(code, `JSON that nests at most ${String(maxDepth)} deep`, 'maxDepth', at);
      } else if (kind === closingBrace) depth -= 1;
    }
    if (items > maxItems) refuse(code, `JSON of at most ${String(maxItems)} members and items`, 'maxItems', at);
  }
}

/** Where the quotation mark is that no backslash takes away; the end where there is none. */
function endOfText(text: string, from: number): number {
  for (let at = from; ; ) {
    const end = text.indexOf('"', at);
    if (end < 0) return text.length;
    let before = end - 1;
    while (before >= from && text.charCodeAt(before) === backslash) before -= 1;
    if ((end - before) % 2 === 1) return end;
    at = end + 1;
  }
}

function refuse(code: ErrorCode, expected: string, option: string, at: number): never {
  throw new CodecError(code, `expected ${expected}, got more at character ${String(at)}: raise ${option} of json() if that is meant`);
}
