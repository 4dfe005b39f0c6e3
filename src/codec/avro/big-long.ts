import { CodecError } from '../../errors.ts';
import type { Tap } from './avsc.ts';
import { endsTooEarly } from './text.ts';

// a bigint that is read from an array of them is made without a call: BigInt(number) takes several times as long
const words = new Uint32Array(2);
const longs = new BigInt64Array(words.buffer);
const isLittle = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;
const lowAt = isLittle ? 0 : 1;
const highAt = 1 - lowAt;

/** Seven bits a byte, the least first, zigzag; in three parts, of 28, 28 and 8 bits. */
export function readBigLong(tap: Tap): bigint {
  const { buf } = tap;
  let at = tap.pos;
  let byte = 0x80;
  let first = 0;
  let second = 0;
  let third = 0;
  for (let shift = 0; byte >= 0x80 && shift < 28; shift += 7) {
    byte = buf[at++] ?? 0x100;
    first |= (byte & 0x7f) << shift;
  }
  for (let shift = 0; byte >= 0x80 && shift < 28; shift += 7) {
    byte = buf[at++] ?? 0x100;
    second |= (byte & 0x7f) << shift;
  }
  for (let shift = 0; byte >= 0x80 && shift < 14; shift += 7) {
    byte = buf[at++] ?? 0x100;
    third |= (byte & 0x7f) << shift;
  }
  if (at > buf.length) throw endsTooEarly();
  if (byte >= 0x80 || third > 0xff) throw new CodecError('decode_failed', 'expected a long of 64 bits, got more');
  tap.pos = at;
  const low = first | (second << 28);
  const high = (second >>> 4) | (third << 24);
  const sign = -(low & 1);
  words[lowAt] = ((low >>> 1) | (high << 31)) ^ sign;
  words[highAt] = (high >>> 1) ^ sign;
  return longs[0] as bigint;
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
