/** Numbers without a bound get this many digits: all of them are exact in a double. */
export const maxDigits = 15;
export const fractionDigits = 6;

const digits = (from: string, to: string, count: number): string => {
  const set = from === to ? `[${from}]` : `[${from}-${to}]`;
  return count === 1 ? set : `${set}{${String(count)}}`;
};

const join = (parts: readonly string[]): string => parts.filter((part) => part !== '').join(' ');
const either = (alternatives: readonly string[]): string =>
  alternatives.length === 1 ? (alternatives[0] ?? '') : `(${alternatives.join(' | ')})`;

/** Digit strings from `low` to `high`, of one length. */
function sameLength(low: string, high: string): string {
  const first = low.charAt(0);
  const last = high.charAt(0);
  const rest = low.length - 1;
  if (/^0*$/.test(low) && /^9*$/.test(high)) return low === '' ? '' : digits('0', '9', low.length);
  if (first === last) return join([digits(first, first, 1), sameLength(low.slice(1), high.slice(1))]);
  if (rest === 0) return digits(first, last, 1);
  const whole = { from: Number(first) + (/^0*$/.test(low.slice(1)) ? 0 : 1), to: Number(last) - (/^9*$/.test(high.slice(1)) ? 0 : 1) };
  return either([
    ...(whole.from > Number(first) ? [join([digits(first, first, 1), sameLength(low.slice(1), '9'.repeat(rest))])] : []),
    ...(whole.from <= whole.to ? [join([digits(String(whole.from), String(whole.to), 1), digits('0', '9', rest)])] : []),
    ...(whole.to < Number(last) ? [join([digits(last, last, 1), sameLength('0'.repeat(rest), high.slice(1))])] : []),
  ]);
}

/** Whole numbers from `low` to `high`, both at least 0. */
function natural(low: number, high: number): string {
  const alternatives: string[] = [];
  for (let length = String(low).length; length <= String(high).length; length += 1) {
    const smallest = length === 1 ? 0 : 10 ** (length - 1);
    alternatives.push(sameLength(String(Math.max(low, smallest)), String(Math.min(high, 10 ** length - 1))));
  }
  return either(alternatives);
}

/** GBNF for the whole numbers from `low` to `high`. */
export function integerGrammar(low: number, high: number): string {
  const alternatives: string[] = [];
  if (low < 0) alternatives.push(join(['"-"', natural(Math.max(1, -high), -low)]));
  if (high >= 0) alternatives.push(natural(Math.max(0, low), high));
  return either(alternatives);
}

/** GBNF for numbers with at most six decimals from `low` to `high`, which are whole. */
export function decimalGrammar(low: number, high: number): string {
  const fraction = `("." [0-9]{1,${String(fractionDigits)}})?`;
  const zeros = `("." "0"{1,${String(fractionDigits)}})?`;
  const positive = (from: number, to: number): string =>
    either([...(from < to ? [join([natural(from, to - 1), fraction])] : []), join([natural(to, to), zeros])]);
  const alternatives: string[] = [];
  if (low < 0) alternatives.push(join(['"-"', positive(Math.max(0, -high), -low)]));
  if (high >= 0) alternatives.push(positive(Math.max(0, low), high));
  return either(alternatives);
}
