import { stemOf } from './stem-of.ts';
import { isMark, wordsOf } from './words-of.ts';

/**
 * Whether two answers say the same, as far as that can be seen without understanding them: `undefined` where it cannot. Numbers are the same within a millionth, whatever their form, in English words, too; texts without case,
 * punctuation, accents and articles. A sign, an operator or a currency makes a difference.
 */
export function sameAnswer(one: string, other: string): boolean | undefined {
  const [a, b] = [numberIn(one), numberIn(other)];
  if (a !== undefined && b !== undefined) {
    if (isNear(a, b)) return true;
    return isOtherForm([one, a], [other, b]) ? undefined : false;
  }
  if (isLong(a, other) || isLong(b, one)) return false;
  const [left, right] = [wordsOf(one), wordsOf(other)];
  if (left.length === 0 || right.length === 0) return false;
  return left.join(' ') === right.join(' ') ? true : undefined;
}

/** Whether `text` says `answer`: its words in a row, whatever their endings, or all of several in any order. */
export function containsAnswer(text: string, answer: string): boolean {
  const words = wordsOf(answer).filter((word) => !isMark(word));
  if (words.length === 0) return false;
  // a lone small number or letter stands in many questions for something else
  if (words.length === 1 && (words[0]?.length ?? 0) < 3 && /^[\w-]+$/.test(words[0] ?? '')) return false;
  const said = wordsOf(text).filter((word) => !isMark(word));
  const row = (some: readonly string[]): string => ` ${some.map(stemOf).join(' ')} `;
  if (row(said).includes(row(words))) return true;
  const all = new Set(said.map(stemOf));
  const long = words.filter((word) => word.length > 2); // of a name like "de Lesseps" what tells
  return long.length > 1 && long.every((word) => all.has(stemOf(word)));
}

const isNear = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-6 * Math.max(1e-12, Math.abs(a), Math.abs(b));

type Written = readonly [text: string, value: number];

/** Whether two numbers may be one that is written in two ways: as a percentage, with the marks of another country, or rounded. */
function isOtherForm([one, a]: Written, [other, b]: Written): boolean {
  const isPercent = (text: string): boolean => text.includes('%');
  if (isPercent(one) !== isPercent(other) && (isNear(a, b * 100) || isNear(b, a * 100))) return true;
  const digits = (text: string): string => text.replaceAll(/\D/g, '');
  if ((one.includes(',') || other.includes(',')) && digits(one) === digits(other)) return true;
  return isRounded([one, a], b) || isRounded([other, b], a);
}

/** So few digits are no rounding: 3 is not 3.14. */
const leastDigits = 3;

function isRounded([text, value]: Written, exact: number): boolean {
  const [, whole = '', decimals = ''] = /^\D*([\d, _]+)(?:\.(\d+))?\D*$/.exec(text.trim()) ?? [];
  if (whole === '' || `${whole.replaceAll(/\D/g, '')}${decimals}`.replace(/^0+/, '').length < leastDigits) return false;
  return Number(exact.toFixed(Math.min(20, decimals.length))) === value;
}

/** Nobody writes a number of so many digits in words. */
const mostDigitsInWords = 4;

/** Whether one is a number that nobody writes in words, and the other has no digit. */
const isLong = (number: number | undefined, other: string): boolean =>
  number !== undefined && String(number).replaceAll(/\D/g, '').replace(/0+$/, '').length > mostDigitsInWords && !/\d/.test(other);

/** The number that the whole text is; a sign, thousands and a percent sign may be there, and it may be in words. */
function numberIn(text: string): number | undefined {
  const plain = text
    .trim()
    .replace('\u2212', '-')
    .replaceAll(/(?<=\d)[, _'’\u00a0\u2009\u202f](?=\d{3}\b)/gu, '')
    .replace(/[.%]$/, '')
    .trim();
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain)) {
    const value = Number(plain);
    return Number.isFinite(value) ? value : undefined;
  }
  const [only = '', ...more] = wordsOf(plain);
  return more.length === 0 && /^-?\d+(\.\d+)?$/.test(only) ? Number(only) : undefined;
}
