/** Scripts that put no spaces between words: their runs are cut into pairs of characters, which find without a dictionary. */
const unspaced = String.raw`\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}ー\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}`;
const runs = new RegExp(String.raw`[[${unspaced}]\p{M}]+|[[\p{L}\p{N}\p{M}]--[${unspaced}]]+`, 'gv');
const isUnspaced = new RegExp(`^[${unspaced}]`, 'v');
/** Longer ones are no words that anybody asks for. */
const longestWord = 64;

export interface PlacedWord {
  /** Without case and accents. */
  readonly word: string;
  /** Where it begins in the text, in UTF-16 units. */
  readonly at: number;
}

/** The words of a text as the index knows them, one after the other. Holds one run of letters. */
export function* wordsOf(text: string): Generator<PlacedWord, undefined> {
  for (const { 0: run, index } of text.matchAll(runs)) {
    if (!isUnspaced.test(run)) {
      yield { word: folded(run.slice(0, longestWord)), at: index };
      continue;
    }
    const characters = Array.from(run);
    let at = index;
    for (const [i, character] of characters.entries()) {
      const next = characters[i + 1];
      if (next !== undefined) yield { word: folded(character + next), at };
      else if (i === 0) yield { word: folded(character), at };
      at += character.length;
    }
  }
  return undefined;
}

const folded = (word: string): string =>
  word
    .normalize('NFKD')
    .replaceAll(/[\u0300-\u036f]/g, '')
    .toLowerCase();
