import { withDigits } from './with-digits.ts';

/** A word in a script that has no spaces between words is a character here; its neighbours make the rest. */
const unspaced = '\\p{sc=Han}\\p{sc=Hiragana}\\p{sc=Katakana}\\p{sc=Thai}\\p{sc=Lao}\\p{sc=Khmer}\\p{sc=Myanmar}';
const token = new RegExp(
  [
    String.raw`(?:(?<![\p{L}\p{N}])-)?\d+(?:\.\d+)?`, // with its sign: 1939-1945 has none
    `[${unspaced}]`,
    String.raw`(?:(?![${unspaced}])[\p{L}\p{N}])+(?:\+\+|#|\+(?![\p{L}\p{N}]))?`, // C++ is not C, and A+ not A
    String.raw`[\p{Sc}+*/^=<>×÷±≠≤≥√∑∫]|(?<=\s)-(?=\s)`, // what comes of two numbers depends on it
  ].join('|'),
  'gu',
);
const articles = new Set(['a', 'an', 'the']);

/**
 * The words of a text, as answers and questions are compared: without case, accents, punctuation and articles; numbers with their sign, without thousands marks, in digits also where they stand in words. Marks of arithmetic and of
 * currencies are words.
 */
export function wordsOf(text: string): readonly string[] {
  const plain = text
    .replaceAll(/(?<=\d)[,'’\u00a0\u2009\u202f](?=\d{3}(?!\d))/gu, '')
    .replaceAll('\u2212', '-')
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase();
  const words = plain.match(token) ?? [];
  return withDigits(words.filter((word, at) => at === words.length - 1 || !articles.has(word))); // "vitamin A", the last one, has none
}

/** Whether a word is a mark of arithmetic or of a currency. */
export const isMark = (word: string): boolean => !/[\p{L}\p{N}]/u.test(word);
