const word = new DataView(new ArrayBuffer(4));

const bitsOf = (value: number): number => {
  word.setFloat32(0, value);
  return word.getUint32(0);
};
const floatOf = (bits: number): number => {
  word.setUint32(0, bits >>> 0);
  return word.getFloat32(0);
};

/** Drops so many low bits: to the nearest, of two equally near the even one. */
const rounded = (bits: number, drop: number): number => {
  const half = 1 << (drop - 1);
  const rest = bits & ((1 << drop) - 1);
  const kept = bits >>> drop;
  return rest > half || (rest === half && (kept & 1) === 1) ? kept + 1 : kept;
};

/** The upper half of a float of 32 bits, rounded. NaN stays NaN. */
export const bfloatOf = (value: number): number => (Number.isNaN(value) ? 0x7fc0 : rounded(bitsOf(value), 16));

export const floatOfBfloat = (bits: number): number => floatOf(bits << 16);

/** IEEE 754 binary16: 5 bits of exponent, 10 of fraction; beyond 65,504 it is infinite. */
export function halfOf(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const bits = bitsOf(value);
  const sign = (bits >>> 16) & 0x8000;
  const exponent = ((bits >>> 23) & 0xff) - 127 + 15;
  if (exponent >= 31) return sign | 0x7c00;
  // a carry of the rounding goes into the exponent, where it belongs
  if (exponent > 0) return sign | rounded((exponent << 23) | (bits & 0x7fffff), 13);
  if (exponent < -10) return sign;
  return sign | rounded((bits & 0x7fffff) | 0x800000, 14 - exponent);
}

export function floatOfHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
