import { boundariesOf } from './internal/boundaries.ts';

/**
 * The sentences of a text in any language, by the rules of Unicode: after full stops of all scripts and at line ends, with the white space behind them; joined they are the text. Abbreviations may end
 * one ("Mr. Smith"): no language is assumed. What is longer than 16,384 UTF-16 units is cut.
 *
 * Linear in the length of the text; sentences come as they are asked for.
 * @see Unicode Standard Annex #29
 */
export function* sentencesOf(text: string): Generator<string, undefined> {
  let from = 0;
  for (const end of boundariesOf(text, 'sentence', 0, text.length)) {
    yield text.slice(from, end);
    from = end;
  }
  return undefined;
}
