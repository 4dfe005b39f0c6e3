import { CodecError } from '../../errors.ts';
import type { Tap } from './avsc.ts';
import { endsTooEarly } from './text.ts';

/** Seven bits a byte, the least first, zigzag; by numbers as long as those are exact. */
export function readBigLong(tap: Tap): bigint {
  const { buf } = tap;
  let low = 0;
  let scale = 1;
  for (let i = 0; i < 7; i += 1) {
    const byte = buf[tap.pos];
    if (byte === undefined) throw endsTooEarly();
    tap.pos += 1;
    low += (byte & 0x7f) * scale;
    if (byte < 0x80) return BigInt(low % 2 === 0 ? low / 2 : -(low + 1) / 2);
    scale *= 128;
  }
  let sum = BigInt(low);
  for (let shift = 49n; shift < 70n; shift += 7n) {
    const byte = buf[tap.pos];
    if (byte === undefined) throw endsTooEarly();
    tap.pos += 1;
    sum |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) {
      if (sum >= 1n << 64n) break;
      return (sum >> 1n) ^ -(sum & 1n);
    }
  }
  throw new CodecError('decode_failed', 'expected a long of 64 bits, got more');
}

const safe = BigInt(2 ** 51);

export function writeBigLong(tap: Tap, value: bigint): void {
  if (value < safe && value >= -safe) {
    tap.writeLong(Number(value));
    return;
  }
  let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
  while (rest >= 0x80n) {
    tap.buf[tap.pos] = Number(rest & 0x7fn) | 0x80;
    tap.pos += 1;
    rest >>= 7n;
  }
  tap.buf[tap.pos] = Number(rest);
  tap.pos += 1;
}
