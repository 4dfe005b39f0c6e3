import { OptionError, requireInteger, requireNumber } from '../../src/errors.ts';

/** Lengths that are alike. */
export interface LengthBucket {
  /** The greatest of them; those of the bucket before are less. */
  readonly upTo: number;
  /** Most values in one of its batches, where `maxSize` would be too many of that length; at least 1. @defaultValue maxSize */
  readonly maxSize?: number;
}

const least = 16;

/** A bucket ends at each power of two: less than half of what is in a batch can be padding. */
export const powersOfTwo = (length: number): LengthBucket => ({ upTo: length <= least ? least : 2 ** Math.ceil(Math.log2(length)) });

/** @throws OptionError for buckets that are none, or out of order. */
export function bucketingOf(name: string, buckets: readonly LengthBucket[]): (length: number) => LengthBucket {
  const list: unknown = buckets;
  if (!Array.isArray(list) || list.length === 0) throw new OptionError(`${name} must be a list of { upTo, maxSize? }, got none`);
  let before = 0;
  for (const [i, { upTo, maxSize }] of buckets.entries()) {
    requireNumber(`${name}[${String(i)}].upTo`, upTo, before);
    if (upTo === before) throw new OptionError(`${name}[${String(i)}].upTo must be above ${String(before)}, got ${String(upTo)}`);
    if (maxSize !== undefined) requireInteger(`${name}[${String(i)}].maxSize`, maxSize, 1);
    before = upTo;
  }
  const beyond = { upTo: Number.POSITIVE_INFINITY, maxSize: 1 };
  return (length) => buckets.find(({ upTo }) => length <= upTo) ?? beyond;
}
