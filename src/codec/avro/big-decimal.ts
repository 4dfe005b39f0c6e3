import { CodecError } from '../../errors.ts';
import { tapOf } from './avsc.ts';
import { bigToBytes, bytesToBig, decimalText } from './decimal.ts';

/** What the bytes below hold. The scale is the sender's choice, too: 2^31 of it would be as many zeros of text. */
const mostDigits = 2_465;
const mostBytes = 1_024;
const longestHead = 10; // bytes of a long
const number = /^(-?)(\d+)(?:\.(\d+))?$/;

/** A number that brings its own scale: as Java writes its BigDecimal, the digits as bytes, then how many of them are behind the point. */
export function bigDecimalFrom(bytes: Buffer): string {
  if (bytes.length === 0) return '0'; // as of a decimal: what schemas have as a default
  const tap = tapOf(bytes, 0);
  const length = tap.readLong();
  if (length < 0 || length > mostBytes)
    throw new CodecError('decode_failed', `expected a big-decimal of at most ${String(mostBytes)} bytes`);
  const digits = tap.readFixed(length);
  const scale = tap.readLong();
  if (digits === undefined || !tap.isValid() || tap.pos < bytes.length)
    throw new CodecError('decode_failed', 'expected the digits and the scale of a big-decimal, and nothing else');
  if (Math.abs(scale) > mostDigits)
    throw new CodecError('decode_failed', `expected a big-decimal with a scale within ± ${String(mostDigits)}, got ${String(scale)}`);
  const unscaled = bytesToBig(digits);
  return scale < 0 ? decimalText(unscaled * 10n ** BigInt(-scale), 0) : decimalText(unscaled, scale);
}

/** The other way, with the scale that the text has; undefined for text that is no such number, or has too many digits. */
export function bigDecimalTo(value: unknown): Buffer | undefined {
  if (typeof value !== 'string' || value.length > mostDigits) return undefined;
  const [, sign = '', whole = '', part = ''] = number.exec(value) ?? [];
  if (whole === '') return undefined;
  const digits = bigToBytes(BigInt(`${sign}${whole}${part}`));
  const bytes = Buffer.alloc(2 * longestHead + digits.length);
  const tap = tapOf(bytes, 0);
  tap.writeLong(digits.length);
  tap.writeFixed(digits, digits.length);
  tap.writeLong(part.length);
  return bytes.subarray(0, tap.pos);
}
