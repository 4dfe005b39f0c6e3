/** More than a double keeps, so that one rounding is left. */
const keptBits = 66;
const smallestExponent = -1_022;
const subnormalBits = 1_074n;

/** The double that is nearest to `a / b`, to even where two are. Two numbers of 4,096 bits are no doubles, their quotient may well be one; and each rounding on the way would cost the last digit. */
export function quotient(a: bigint, b: bigint): number {
  const sign = a < 0n === b < 0n ? 1 : -1;
  return sign * positive(a < 0n ? -a : a, b < 0n ? -b : b);
}

function positive(a: bigint, b: bigint): number {
  if (a === 0n) return 0;
  const shift = keptBits + bitsOf(b) - bitsOf(a);
  const shifted = shift >= 0 ? a << BigInt(shift) : a;
  const divisor = shift >= 0 ? b : b << BigInt(-shift);
  const digits = shifted / divisor;
  // what is left counts as a bit below all: it decides where the digits alone lie half way
  const sticky = shifted % divisor === 0n ? digits : digits | 1n;
  const exponent = bitsOf(digits) - 1 - shift;
  if (exponent < smallestExponent) return subnormal(a, b);
  return scaled(Number(sticky) * 2 ** -keptBits, keptBits - shift);
}

/** In two steps, as a power of two may lie outside what doubles hold where the product does not. */
function scaled(value: number, exponent: number): number {
  const half = Math.trunc(exponent / 2);
  return value * 2 ** half * 2 ** (exponent - half);
}

/** Below 2^-1022 doubles have fewer digits, so that the rounding is another one. */
function subnormal(a: bigint, b: bigint): number {
  const shifted = a << subnormalBits;
  const [steps, twice] = [shifted / b, (shifted % b) * 2n];
  const isUp = twice > b || (twice === b && steps % 2n === 1n);
  return Number(isUp ? steps + 1n : steps) * Number.MIN_VALUE;
}

const bitsOf = (positive: bigint): number => {
  const hexadecimal = positive.toString(16);
  return hexadecimal.length * 4 - Math.clz32(Number.parseInt(hexadecimal[0] ?? '0', 16)) + 28;
};
