import { either, type GrammarNode, nothing, sequence, text } from './grammar-node.ts';

/** Deeper than this nobody gains from sharing, and native code recurses as deep. */
const mostShared = 64;

/**
 * Texts as a tree of what they begin with: the engine walks all alternatives of a list beside each other, which takes seconds for thousands, and only those that
 * differ in the next character here.
 */
export function literalGrammar(texts: readonly string[]): GrammarNode {
  return tree([...new Set(texts)].sort(), 0);
}

/** `texts` are sorted. */
function tree(texts: readonly string[], depth: number): GrammarNode {
  const [first = '', last = ''] = [texts[0], texts.at(-1)];
  if (texts.length === 1) return text(first);
  if (depth === mostShared) return either(texts.map(text));
  const shared = first.slice(0, inCommon(first, last));
  const groups = Map.groupBy(
    texts.map((one) => one.slice(shared.length)),
    (one) => one.slice(0, one.codePointAt(0) === undefined ? 0 : String.fromCodePoint(one.codePointAt(0) ?? 0).length),
  );
  const options = [...groups].map(([beginning, group]) => (beginning === '' ? nothing : tree(group, depth + 1)));
  return shared === '' ? either(options) : sequence(text(shared), either(options));
}

/** Of sorted texts the first and the last have in common what all have; never half of a character. */
function inCommon(one: string, other: string): number {
  let length = 0;
  while (length < one.length && one[length] === other[length]) length += 1;
  return /[\uD800-\uDBFF]$/.test(one.slice(0, length)) ? length - 1 : length;
}
