import { splitMetadata } from './commit-metadata.state.ts';

/** Offsets from `from` up to, not including, `to`. */
export interface OffsetRange {
  readonly from: bigint;
  readonly to: bigint;
}

export interface EncodedMap {
  readonly text: string;
  /** Whether every range is in it; else those nearest the watermark are. */
  readonly isWhole: boolean;
}

/** What a broker stores beside an offset, by default: `offset.metadata.max.bytes`. */
export const maxMetadataChars = 4_096;
/** A map above this share of it is to grow no further: nothing is taken from the partition until its watermark moves. */
export const fullShare = 0.75;
const headerChars = 2;

/**
 * Writes down which offsets above a watermark are done, as text for a commit's metadata: `1` (the version), `b` or `r`, and
 * base64url without padding. `b` is a bit set: bit i of byte n, the lowest first, stands for offset watermark + 8 n + i. `r` are
 * run lengths: LEB128 pairs, how many are open less 1, how many are done less 1. The shorter is taken; nothing done is ''.
 *
 * @param ranges above the watermark, ascending, not touching each other.
 * @param maxChars what of the metadata it may take
 * @see Confluent's Parallel Consumer, which stores the like for the same reason.
 */
export function encodeCompleted(watermark: bigint, ranges: readonly OffsetRange[], maxChars = maxMetadataChars): EncodedMap {
  const maxBytes = Math.floor(((maxChars - headerChars) * 3) / 4);
  const last = ranges.at(-1);
  if (last === undefined) return { text: '', isWhole: true };
  const runs = asRuns(watermark, ranges, maxBytes);
  const bitBytes = Math.ceil(Number(last.to - watermark) / 8);
  const bits = bitBytes < runs.bytes.length || !runs.isWhole ? asBits(watermark, ranges, maxBytes) : undefined;
  const isBits = bits !== undefined && (bits.isWhole || bits.offsets > runs.offsets);
  const { bytes, isWhole } = isBits ? bits : runs;
  return { text: `1${isBits ? 'b' : 'r'}${Buffer.from(bytes).toString('base64url')}`, isWhole };
}

/** From a commit's metadata, with notes beside it or without. @throws RangeError for a text that {@link encodeCompleted} did not write. */
export function decodeCompleted(watermark: bigint, metadata: string): readonly OffsetRange[] {
  const { map: text } = splitMetadata(metadata);
  if (text === '') return [];
  const [version, kind] = text;
  const body = text.slice(headerChars);
  if (version !== '1' || (kind !== 'b' && kind !== 'r')) throw unreadable('its first characters are those of no known version');
  if (body === '' || !/^[\w-]+$/.test(body)) throw unreadable('it is not base64url');
  const bytes = Buffer.from(body, 'base64url');
  return kind === 'b' ? fromBits(watermark, bytes) : fromRuns(watermark, bytes);
}

/**
 * What was completed at `start` or above it, by what the group has stored. Nothing where delivery begins below that: then the log
 * is another one; where it begins above, retention has passed by.
 * @throws RangeError for metadata of something else
 */
export function completedFrom(
  start: bigint,
  stored: { readonly offset: bigint; readonly metadata: string } | undefined,
): readonly OffsetRange[] {
  return stored === undefined || stored.offset > start ? [] : rangesFrom(start, decodeCompleted(stored.offset, stored.metadata));
}

/** The parts of the ranges that lie at `start` or above it. */
export const rangesFrom = (start: bigint, ranges: readonly OffsetRange[]): readonly OffsetRange[] =>
  ranges.flatMap(({ from, to }) => (to > start ? [{ from: from > start ? from : start, to }] : []));

interface Form {
  readonly bytes: readonly number[] | Uint8Array;
  readonly isWhole: boolean;
  /** How many offsets of the ranges it holds. */
  readonly offsets: bigint;
}

function asRuns(watermark: bigint, ranges: readonly OffsetRange[], maxBytes: number): Form {
  const bytes: number[] = [];
  let at = watermark;
  let offsets = 0n;
  for (const { from, to } of ranges) {
    const pair = [...varint(from - at - 1n), ...varint(to - from - 1n)];
    if (bytes.length + pair.length > maxBytes) return { bytes, isWhole: false, offsets };
    bytes.push(...pair);
    offsets += to - from;
    at = to;
  }
  return { bytes, isWhole: true, offsets };
}

function asBits(watermark: bigint, ranges: readonly OffsetRange[], maxBytes: number): Form {
  const size = maxBytes * 8;
  const bytes = new Uint8Array(maxBytes);
  let isWhole = true;
  let offsets = 0;
  let used = 0;
  for (const { from, to } of ranges) {
    const [first, end] = [Number(from - watermark), Number(to - watermark)];
    if (end > size) isWhole = false;
    for (let bit = first; bit < Math.min(end, size); bit += 1) {
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) | (1 << (bit & 7));
      offsets += 1;
      used = (bit >> 3) + 1;
    }
    if (!isWhole) break;
  }
  return { bytes: bytes.subarray(0, used), isWhole, offsets: BigInt(offsets) };
}

function fromBits(watermark: bigint, bytes: Uint8Array): readonly OffsetRange[] {
  const ranges: OffsetRange[] = [];
  let from: number | undefined;
  for (let bit = 0; bit <= bytes.length * 8; bit += 1) {
    const isDone = ((bytes[bit >> 3] ?? 0) >> (bit & 7)) & 1;
    if (isDone === 1) from ??= bit;
    else if (from !== undefined) {
      ranges.push({ from: watermark + BigInt(from), to: watermark + BigInt(bit) });
      from = undefined;
    }
  }
  return ranges;
}

function fromRuns(watermark: bigint, bytes: Uint8Array): readonly OffsetRange[] {
  const ranges: OffsetRange[] = [];
  let at = watermark;
  let byte = 0;
  const next = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const one = bytes[byte];
      if (one === undefined || shift > 63n) throw unreadable('a number in it has no end');
      byte += 1;
      value |= BigInt(one & 0x7f) << shift;
      if (one < 0x80) return value + 1n;
    }
  };
  while (byte < bytes.length) {
    const from = at + next();
    at = from + next();
    ranges.push({ from, to: at });
  }
  return ranges;
}

function varint(value: bigint): readonly number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return bytes;
}

const unreadable = (why: string): RangeError => new RangeError(why);
