/**
 * Whether two answers say the same, as far as that can be seen without understanding them: `undefined` where it cannot. Numbers are the same within a millionth, whatever their form; texts without case, punctuation, accents,
 * articles and units of nothing.
 */
export function sameAnswer(one: string, other: string): boolean | undefined {
  const [a, b] = [numberIn(one), numberIn(other)];
  if (a !== undefined && b !== undefined) return Math.abs(a - b) <= 1e-6 * Math.max(1e-12, Math.abs(a), Math.abs(b));
  if (isLong(a, other) || isLong(b, one)) return false;
  const [left, right] = [wordsOf(one), wordsOf(other)];
  if (left.length === 0 || right.length === 0) return false;
  return left.join(' ') === right.join(' ') ? true : undefined;
}

/** Whether `text` says `answer` in so many words. */
export function containsAnswer(text: string, answer: string): boolean {
  const words = wordsOf(answer);
  if (words.length === 0) return false;
  // a lone small number or letter stands in many questions for something else
  if (words.length === 1 && (words[0]?.length ?? 0) < 3) return false;
  return ` ${wordsOf(text).join(' ')} `.includes(` ${words.join(' ')} `);
}

/** Nobody writes a number of so many digits in words. */
const mostDigitsInWords = 4;

/** Whether one is a number that nobody writes in words, and the other has no digit. */
const isLong = (number: number | undefined, other: string): boolean =>
  number !== undefined && String(number).replaceAll(/\D/g, '').replace(/0+$/, '').length > mostDigitsInWords && !/\d/.test(other);

const articles = new Set(['a', 'an', 'the']);

function wordsOf(text: string): readonly string[] {
  const plain = text
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll(/(?<=\d),(?=\d{3}\b)/g, '');
  return (plain.match(/\d+(?:\.\d+)?|[\p{L}\p{N}]+/gu) ?? []).filter((word) => !articles.has(word));
}

/** The number that the whole text is; a sign, thousands and a percent sign may be there. */
function numberIn(text: string): number | undefined {
  const plain = text
    .trim()
    .replaceAll(/(?<=\d)[, _](?=\d{3}\b)/g, '')
    .replace(/[.%]$/, '');
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain)) return undefined;
  const value = Number(plain);
  return Number.isFinite(value) ? value : undefined;
}
