import { either, type GrammarNode, text } from './grammar-node.ts';

/** Code points from and to, ascending, apart from each other. */
export type CharacterSet = readonly (readonly [from: number, to: number])[];

const last = 0x10_ffff;
const lastOfPlane = 0xffff;

/** What a JSON string writes behind a backslash, and may hold: other control characters are nowhere in answers. */
const escapes: readonly (readonly [code: number, written: string])[] = [
  [0x22, '\\"'],
  [0x5c, '\\\\'],
  [0x08, '\\b'],
  [0x0c, '\\f'],
  [0x0a, '\\n'],
  [0x0d, '\\r'],
  [0x09, '\\t'],
];

/** What stands in a JSON string as it is. Halves of surrogate pairs are no characters, and DEL is none that anybody wants. */
const plain: CharacterSet = [
  [0x20, 0x21],
  [0x23, 0x5b],
  [0x5d, 0x7e],
  [0x80, 0xd7ff],
  [0xe000, last],
];

export const setOf = (ranges: readonly (readonly [number, number])[]): CharacterSet => {
  const merged: [number, number][] = [];
  for (const [from, to] of [...ranges].sort(([a], [b]) => a - b)) {
    const before = merged.at(-1);
    if (before && from <= before[1] + 1) before[1] = Math.max(before[1], to);
    else merged.push([from, to]);
  }
  return merged;
};

export const without = (set: CharacterSet): CharacterSet => {
  const left: [number, number][] = [];
  let next = 0;
  for (const [from, to] of set) {
    if (from > next) left.push([next, from - 1]);
    next = to + 1;
  }
  if (next <= last) left.push([next, last]);
  return left;
};

const common = (one: CharacterSet, other: CharacterSet): CharacterSet =>
  setOf(
    one.flatMap(([from, to]) =>
      other.flatMap(([low, high]): [number, number][] =>
        Math.max(from, low) <= Math.min(to, high) ? [[Math.max(from, low), Math.min(to, high)]] : [],
      ),
    ),
  );

/** Those of the first plane: a validator counts the others as one character or as two. */
export const everyOfPlane: CharacterSet = [[0, lastOfPlane]];
export const every: CharacterSet = [[0, last]];

/** One character of the set within a JSON string; undefined where none can stand there. */
export function inString(set: CharacterSet): GrammarNode | undefined {
  const raw = common(set, plain);
  const options: GrammarNode[] = escapes.filter(([code]) => common(set, [[code, code]]).length > 0).map(([, written]) => text(written));
  if (raw.length > 0)
    options.unshift({ kind: 'class', gbnf: classOf(raw), bytes: Buffer.byteLength(String.fromCodePoint(raw.at(-1)?.[1] ?? 0)) });
  return options.length === 0 ? undefined : either(options);
}

const classOf = (set: CharacterSet): string =>
  `[${set.map(([from, to]) => (from === to ? written(from) : `${written(from)}-${written(to)}`)).join('')}]`;

/** Digits and letters as they are, for who reads the grammar. */
function written(code: number): string {
  const character = String.fromCodePoint(code);
  if (/[0-9A-Za-z]/.test(character)) return character;
  if (code <= 0xff) return `\\x${code.toString(16).padStart(2, '0')}`;
  return code <= lastOfPlane ? `\\u${code.toString(16).padStart(4, '0')}` : `\\U${code.toString(16).padStart(8, '0')}`;
}
