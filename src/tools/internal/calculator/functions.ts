import { add, bounded, divide, modulo, multiply, power, toDouble, type Value } from './arithmetic.ts';
import { refuse } from './tokens.ts';

interface Known {
  /** The least and the most numbers that it takes. */
  readonly takes: readonly [number, number];
  readonly apply: (given: readonly Value[], at: number) => Value;
}

export const constants: ReadonlyMap<string, number> = new Map([
  ['pi', Math.PI],
  ['e', Math.E],
  ['tau', 2 * Math.PI],
]);

const many = 200;
/** 500! has 3,768 bits. */
const mostFactorial = 500;
/** Euclid's steps are bounded by it. */
const mostDivisorBits = 128n;

const double = (apply: (x: number) => number): Known => ({ takes: [1, 1], apply: ([x = 0], at) => apply(toDouble(x, at)) });
const doubles = (apply: (x: number, y: number) => number): Known => ({
  takes: [2, 2],
  apply: ([x = 0, y = 0], at) => apply(toDouble(x, at), toDouble(y, at)),
});
const whole = (x: Value, at: number): bigint => {
  if (typeof x === 'bigint') return x;
  if (Number.isInteger(x)) return BigInt(x);
  throw refuse(`expected a whole number, got ${String(x)}`, at);
};
const rounding = (round: (x: number) => number): Known => ({
  takes: [1, 1],
  apply: ([x = 0]) => (typeof x === 'bigint' ? x : BigInt(round(x))),
});
const foldOf = (apply: (a: bigint, b: bigint) => bigint): Known => ({
  takes: [1, many],
  apply: (given, at) =>
    given
      .map((x) => {
        const value = absolute(whole(x, at));
        if (value >> mostDivisorBits > 0n)
          throw refuse(`expected numbers of at most ${String(mostDivisorBits)} bits, got a larger one`, at);
        return value;
      })
      .reduce((a, b) => bounded(apply(a, b), at) as bigint),
});
const pick = (better: (a: Value, b: Value) => boolean): Known => ({
  takes: [1, many],
  apply: (given) => given.reduce((best, x) => (better(x, best) ? x : best)),
});

const absolute = (x: bigint): bigint => (x < 0n ? -x : x);
const gcd = (a: bigint, b: bigint): bigint => (b === 0n ? a : gcd(b, a % b));

const factorials: bigint[] = [1n];
const factorialOf = (n: number): bigint => {
  for (let k = factorials.length; k <= n; k += 1) factorials.push((factorials[k - 1] ?? 1n) * BigInt(k));
  return factorials[n] ?? 1n;
};

export function factorial(x: Value, at: number): bigint {
  const n = whole(x, at);
  if (n < 0n || n > BigInt(mostFactorial))
    throw refuse(`expected a factorial of 0 to ${String(mostFactorial)}, got one of ${short(n)}`, at);
  return factorialOf(Number(n));
}

const short = (n: bigint): string => (absolute(n) < 10n ** 20n ? String(n) : 'a longer number');

/** n (n - 1) … (n - k + 1), and that by k!: as many factors as a factorial has at most, whatever n is. */
const choose = (ordered: boolean): Known => ({
  takes: [2, 2],
  apply: ([a = 0, b = 0], at) => {
    const [n, k] = [whole(a, at), whole(b, at)];
    if (n < 0n || k < 0n) throw refuse('expected numbers from 0 on, got a negative one', at);
    if (k > n) return 0n;
    const factors = ordered || k <= n - k ? k : n - k;
    if (factors > BigInt(mostFactorial)) throw refuse(`expected at most ${String(mostFactorial)} to be chosen, got ${short(factors)}`, at);
    let ways = 1n;
    for (let i = 0n; i < factors; i += 1n) {
      ways = ordered ? ways * (n - i) : (ways * (n - i)) / (i + 1n);
      bounded(ways, at);
    }
    return ways;
  },
});

/** By the bits that a whole number has beyond what doubles hold. */
const logarithm =
  (log: (x: number) => number, ofTwo: number) =>
  (x: Value, at: number): number => {
    if (x <= 0) throw refuse('expected the logarithm of a number above 0, got one of 0 or less', at);
    if (Number.isFinite(Number(x))) return log(Number(x));
    const shift = (BigInt(x).toString(16).length - 16) * 4;
    return log(Number(BigInt(x) >> BigInt(shift))) + shift * ofTwo;
  };
const ln = logarithm(Math.log, Math.LN2);
const log10 = logarithm(Math.log10, Math.log10(2));
const log2 = logarithm(Math.log2, 1);

/** Halves to even, as Python rounds. */
function roundEven(x: number): number {
  const down = Math.floor(x);
  const rest = x - down;
  return rest > 0.5 || (rest === 0.5 && down % 2 !== 0) ? down + 1 : down;
}

function roundTo(x: number, digits: number): number {
  if (Math.abs(x) >= 1e21) return x;
  const all = x.toFixed(100); // each digit of a double that lies half way
  const dot = all.indexOf('.');
  const cut = all.slice(0, dot + 1 + digits);
  const isHalf = /^50*$/.test(all.slice(dot + 1 + digits));
  return Number(isHalf && /[02468]\.?$/.test(cut) ? cut : x.toFixed(digits));
}

const round: Known = {
  takes: [1, 2],
  apply: ([x = 0, digits], at) => {
    if (digits === undefined) return typeof x === 'bigint' ? x : BigInt(roundEven(x));
    const places = whole(digits, at);
    if (places < 0n || places > 15n) throw refuse(`expected round to 0 to 15 digits, got ${short(places)}`, at);
    return typeof x === 'bigint' ? x : roundTo(x, Number(places));
  },
};

const sumOf = (given: readonly Value[], at: number): Value => given.reduce((a, b) => add(a, b, at));

export const functions: ReadonlyMap<string, Known> = new Map<string, Known>([
  ['abs', { takes: [1, 1], apply: ([x = 0]) => (x < 0 ? -x : x) }],
  ['sign', { takes: [1, 1], apply: ([x = 0]) => (x > 0 ? 1n : x < 0 ? -1n : 0n) }],
  ['sqrt', double(Math.sqrt)],
  ['cbrt', double(Math.cbrt)],
  ['exp', double(Math.exp)],
  ['ln', { takes: [1, 1], apply: ([x = 0], at) => ln(x, at) }],
  [
    'log',
    {
      takes: [1, 2],
      apply: ([x = 0, base], at) => (base === undefined ? ln(x, at) : divide(log2(x, at), log2(base, at), at)),
    },
  ],
  ['log10', { takes: [1, 1], apply: ([x = 0], at) => log10(x, at) }],
  ['log2', { takes: [1, 1], apply: ([x = 0], at) => log2(x, at) }],
  ['sin', double(Math.sin)],
  ['cos', double(Math.cos)],
  ['tan', double(Math.tan)],
  ['asin', double(Math.asin)],
  ['acos', double(Math.acos)],
  ['atan', double(Math.atan)],
  ['atan2', doubles(Math.atan2)],
  ['sinh', double(Math.sinh)],
  ['cosh', double(Math.cosh)],
  ['tanh', double(Math.tanh)],
  ['degrees', double((x) => x * (180 / Math.PI))],
  ['radians', double((x) => x * (Math.PI / 180))],
  ['floor', rounding(Math.floor)],
  ['ceil', rounding(Math.ceil)],
  ['trunc', rounding(Math.trunc)],
  ['round', round],
  ['min', pick((a, b) => a < b)],
  ['max', pick((a, b) => a > b)],
  ['sum', { takes: [1, many], apply: sumOf }],
  ['mean', { takes: [1, many], apply: (given, at) => divide(sumOf(given, at), BigInt(given.length), at) }],
  ['gcd', foldOf(gcd)],
  ['lcm', foldOf((a, b) => (a === 0n || b === 0n ? 0n : (a / gcd(a, b)) * b))],
  ['factorial', { takes: [1, 1], apply: ([x = 0], at) => factorial(x, at) }],
  ['comb', choose(false)],
  ['perm', choose(true)],
  ['hypot', { takes: [1, many], apply: (given, at) => Math.hypot(...given.map((x) => toDouble(x, at))) }],
  ['mod', { takes: [2, 2], apply: ([a = 0, b = 0], at) => modulo(a, b, at) }],
  ['pow', { takes: [2, 2], apply: ([a = 0, b = 0], at) => power(a, b, at) }],
  ['product', { takes: [1, many], apply: (given, at) => given.reduce((a, b) => multiply(a, b, at)) }],
]);
