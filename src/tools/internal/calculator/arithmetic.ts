import { quotient } from './quotient.ts';
import { refuse } from './tokens.ts';

/** Whole numbers are exact; a double stands for all others. */
export type Value = bigint | number;

/** 1,233 digits: what a model can read, and what is multiplied in a microsecond. */
const mostBits = 4_096;
const bound = 1n << BigInt(mostBits);

/** A result, unless it is too large or no number. */
export function bounded(value: Value, at: number): Value {
  if (typeof value === 'bigint') {
    if (value >= bound || value <= -bound) throw refuse(`expected a result of at most ${String(mostBits)} bits, got a larger one`, at);
    return value;
  }
  if (Number.isNaN(value)) throw refuse('expected a real number, got none', at);
  if (!Number.isFinite(value)) throw refuse('expected a result below 1.8e308, got a larger one', at);
  return value;
}

export function toDouble(value: Value, at: number): number {
  const double = Number(value);
  if (!Number.isFinite(double)) throw refuse('expected a number below 1.8e308 here, got a larger one', at);
  return double;
}

type Binary = (a: Value, b: Value, at: number) => Value;

const both =
  (exact: (a: bigint, b: bigint, at: number) => Value, double: (a: number, b: number, at: number) => number): Binary =>
  (a, b, at) =>
    bounded(typeof a === 'bigint' && typeof b === 'bigint' ? exact(a, b, at) : double(toDouble(a, at), toDouble(b, at), at), at);

const nonZero = (divisor: Value, at: number): void => {
  if (Number(divisor) === 0) throw refuse('division by zero', at);
};

export const add = both(
  (a, b) => a + b,
  (a, b) => a + b,
);
export const subtract = both(
  (a, b) => a - b,
  (a, b) => a - b,
);
export const multiply = both(
  (a, b) => a * b,
  (a, b) => a * b,
);

export const divide: Binary = (a, b, at) => {
  nonZero(b, at);
  if (typeof a === 'bigint' && typeof b === 'bigint') return a % b === 0n ? a / b : bounded(quotient(a, b), at);
  return bounded(toDouble(a, at) / toDouble(b, at), at);
};

export const modulo: Binary = (a, b, at) => {
  nonZero(b, at);
  return both(exactModulo, (x, y) => doubleDivision(x, y).rest)(a, b, at);
};

export const floorDivide: Binary = (a, b, at) => {
  nonZero(b, at);
  return both(
    (x, y) => (x - exactModulo(x, y)) / y,
    (x, y) => doubleDivision(x, y).whole,
  )(a, b, at);
};

function exactModulo(a: bigint, b: bigint): bigint {
  const rest = a % b;
  return rest !== 0n && rest < 0n !== b < 0n ? rest + b : rest;
}

/** As Python divides doubles: the rest has the sign of the divisor, and a quotient that the last digit has left just below a whole number is that number. */
function doubleDivision(a: number, b: number): { readonly whole: number; readonly rest: number } {
  const rest = a % b;
  const isOther = rest !== 0 && rest < 0 !== b < 0;
  const quotient = (a - rest) / b - (isOther ? 1 : 0);
  const down = Math.floor(quotient);
  const whole = quotient - down > 0.5 ? down + 1 : down;
  return { whole, rest: isOther ? rest + b : rest === 0 ? zeroLike(b) : rest };
}

/** Which of the two zeros it is tells atan2. */
const zeroLike = (sign: number): number => (sign < 0 ? -0 : 0);

export const power: Binary = (a, b, at) => {
  if (Number(a) === 0 && b < 0) throw refuse('division by zero: 0 to a negative power', at);
  if (typeof a === 'bigint' && typeof b === 'bigint' && b >= 0n) return exactPower(a, b, at);
  const [base, exponent] = [toDouble(a, at), toDouble(b, at)];
  if (base < 0 && !Number.isInteger(exponent)) throw refuse('expected a whole exponent of a negative number, got a fraction', at);
  return bounded(base ** exponent, at);
};

/** How large it would be is known before it is computed. */
function exactPower(base: bigint, exponent: bigint, at: number): bigint {
  if (base === 0n || base === 1n) return exponent === 0n ? 1n : base;
  if (base === -1n) return exponent % 2n === 0n ? 1n : -1n;
  const bits = BigInt((base < 0n ? -base : base).toString(16).length * 4 - 4); // at least as much, less 4
  if ((bits === 0n ? 1n : bits) * exponent > BigInt(mostBits))
    throw refuse(`expected a power of at most ${String(mostBits)} bits, got a larger one`, at);
  return bounded(base ** exponent, at) as bigint;
}

/** As the shortest text that means the same number. */
export const formatValue = (value: Value): string => (value === 0 ? '0' : String(value));
