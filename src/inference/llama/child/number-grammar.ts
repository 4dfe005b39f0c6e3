import { digit, either, type GrammarNode, nothing, sequence, text, times } from './grammar-node.ts';

/** Numbers without a bound get this many digits: all of them are exact in a double. */
export const maxDigits = 15;
const fractionDigits = 6;
/** Integers of millionths hold every number that is written, so bounds may be excluded by going one on. */
const unit = 10n ** BigInt(fractionDigits);

const anyDigits = (least: number, most: number): GrammarNode => (most === 0 ? nothing : times(digit(), least, most));

/** Digit strings from `low` to `high`, of one length. */
function sameLength(low: string, high: string): GrammarNode {
  const [first, last] = [low.charAt(0), high.charAt(0)];
  const rest = low.length - 1;
  if (/^0*$/.test(low) && /^9*$/.test(high)) return anyDigits(low.length, low.length);
  if (first === last) return sequence(digit(first, first), sameLength(low.slice(1), high.slice(1)));
  if (rest === 0) return digit(first, last);
  const from = Number(first) + (/^0*$/.test(low.slice(1)) ? 0 : 1);
  const to = Number(last) - (/^9*$/.test(high.slice(1)) ? 0 : 1);
  return either([
    ...(from > Number(first) ? [sequence(digit(first, first), sameLength(low.slice(1), '9'.repeat(rest)))] : []),
    ...(from <= to ? [sequence(digit(String(from), String(to)), anyDigits(rest, rest))] : []),
    ...(to < Number(last) ? [sequence(digit(last, last), sameLength('0'.repeat(rest), high.slice(1)))] : []),
  ]);
}

/** Whole numbers from `low` to `high`, both at least 0. */
function natural(low: bigint, high: bigint): GrammarNode {
  const [shortest, longest] = [String(low).length, String(high).length];
  const ofLength = (length: number): readonly [bigint, bigint] => [
    length === 1 ? 0n : 10n ** BigInt(length - 1),
    10n ** BigInt(length) - 1n,
  ];
  const options: GrammarNode[] = [];
  let whole = shortest; // from here on all numbers of a length are in
  if (shortest === 1 || low > ofLength(shortest)[0]) {
    const [, largest] = ofLength(shortest);
    options.push(sameLength(String(low), String(high < largest ? high : largest)));
    whole += 1;
  }
  const isWhole = high === ofLength(longest)[1];
  const most = isWhole ? longest : longest - 1;
  if (whole <= most) options.push(sequence(digit('1'), anyDigits(whole - 1, most - 1)));
  if (!isWhole && whole <= longest) options.push(sameLength(String(ofLength(longest)[0]), String(high)));
  return either(options);
}

/** The whole numbers from `low` to `high`. */
export function integerGrammar(low: number, high: number): GrammarNode {
  const options: GrammarNode[] = [];
  if (low < 0) options.push(sequence(text('-'), natural(BigInt(Math.max(1, -high)), BigInt(-low))));
  if (high >= 0) options.push(natural(BigInt(Math.max(0, low)), BigInt(high)));
  return either(options);
}

/** A bound of numbers; `isOpen`: it is none of them. */
export interface NumberBound {
  readonly value: number;
  readonly isOpen: boolean;
}

/** Numbers with at most six decimals between two bounds; undefined where there are none. */
export function decimalGrammar(low: NumberBound, high: NumberBound): GrammarNode | undefined {
  const from = -units({ ...low, value: -low.value });
  const to = units(high);
  if (from > to) return undefined;
  const options: GrammarNode[] = [];
  if (from < 0n) options.push(sequence(text('-'), positive(to < 0n ? -to : 0n, -from)));
  if (to >= 0n) options.push(positive(from > 0n ? from : 0n, to));
  return either(options);
}

/** The most units that do not pass an upper bound. */
function units({ value, isOpen }: NumberBound): bigint {
  const fixed = value.toFixed(fractionDigits); // rounded, so perhaps beyond
  const nearest = BigInt(fixed.replace('.', ''));
  const isBeyond = isOpen ? Number(fixed) >= value : Number(fixed) > value;
  return isBeyond ? nearest - 1n : nearest;
}

const zeros = '0'.repeat(fractionDigits);
const nines = '9'.repeat(fractionDigits);

function positive(from: bigint, to: bigint): GrammarNode {
  let [low, high] = [from / unit, to / unit];
  const [first, last] = [from % unit, to % unit].map((one) => String(one).padStart(fractionDigits, '0')) as [string, string];
  if (low === high) return sequence(natural(low, low), fraction(first, last));
  const options: GrammarNode[] = [];
  if (first !== zeros) {
    options.push(sequence(natural(low, low), fraction(first, nines)));
    low += 1n;
  }
  if (last !== nines) {
    options.push(sequence(natural(high, high), fraction(zeros, last)));
    high -= 1n;
  }
  if (low <= high) options.push(sequence(natural(low, high), fraction(zeros, nines)));
  return either(options);
}

/** A point and decimals from `low` to `high`; neither, where that is 0 decimals. */
function fraction(low: string, high: string): GrammarNode {
  const written = sequence(text('.'), decimals(low, high, 1));
  return low === zeros ? times(written, 0, 1) : written;
}

/** Decimals between two of the same length, `least` of them at least, where fewer would be as much. */
function decimals(low: string, high: string, least: 0 | 1): GrammarNode {
  const [first, last] = [Number(low.charAt(0)), Number(high.charAt(0))];
  const [isFromZero, isToNine] = [/^0*$/.test(low), /^9*$/.test(high)];
  if (isFromZero && isToNine) return anyDigits(least, low.length);
  if (isFromZero && /^0*$/.test(high)) return times(text('0'), least, low.length);
  const rest = (from: string, to: string): GrammarNode => decimals(from, to, 0);
  const [zerosAfter, ninesAfter] = [zeros.slice(0, low.length - 1), nines.slice(0, low.length - 1)];
  const options: GrammarNode[] = [];
  if (first === last) options.push(sequence(text(String(first)), rest(low.slice(1), high.slice(1))));
  else {
    options.push(sequence(text(String(first)), rest(low.slice(1), ninesAfter)));
    if (first + 1 < last) options.push(sequence(digit(String(first + 1), String(last - 1)), anyDigits(0, low.length - 1)));
    options.push(sequence(text(String(last)), rest(zerosAfter, high.slice(1))));
  }
  return isFromZero && least === 0 ? either([...options, nothing]) : either(options);
}
