/** Two's complement, the highest byte first, in as few bytes as hold it, and at least `least`. */
export function bigToBytes(value: bigint, least = 1): Buffer {
  let bytes = least;
  while (BigInt.asIntN(8 * bytes, value) !== value) bytes += 1;
  const hex = BigInt.asUintN(8 * bytes, value).toString(16);
  return Buffer.from(hex.padStart(2 * bytes, '0'), 'hex');
}

export const bytesToBig = (bytes: Buffer): bigint =>
  bytes.length === 0 ? 0n : BigInt.asIntN(8 * bytes.length, BigInt(`0x${bytes.toString('hex')}`));

/** `-1230n` with scale 2 is `'-12.30'`. */
export function decimalText(unscaled: bigint, scale: number): string {
  const sign = unscaled < 0n ? '-' : '';
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0');
  return scale === 0 ? sign + digits : `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

const decimal = /^(-?)(\d+)(?:\.(\d+))?$/;

/** The other way; undefined for text that is no such number, has more digits behind the point, or more than `precision` in all. */
export function unscaledOf(text: string, precision: number, scale: number): bigint | undefined {
  const [, sign = '', whole = '', part = ''] = decimal.exec(text) ?? [];
  if (whole === '') return undefined;
  if (/[1-9]/.test(part.slice(scale))) return undefined;
  const digits = (whole + part.slice(0, scale).padEnd(scale, '0')).replace(/^0+(?=\d)/, '');
  if (digits.length > precision) return undefined;
  const value = BigInt(digits);
  return sign === '-' ? -value : value;
}
