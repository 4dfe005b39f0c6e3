import { completedFrom, encodeCompleted, type OffsetRange, rangesFrom } from './completed-map.state.ts';

/** How far one partition of a dead-letter topic was read, and which of its letters were sent. */
export interface RedriveProgress {
  /** The next offset to look at. */
  readonly next: bigint;
  /** The first letter that was looked at and not sent; undefined where there is none. */
  readonly left: bigint | undefined;
  /** What was sent above the first that was not, ascending, not touching; also what runs before us sent and we have not come to. */
  readonly sent: readonly OffsetRange[];
}

/** What a group stores of it. */
export interface StoredProgress {
  readonly offset: bigint;
  readonly metadata: string;
  /** Whether the metadata names all that was sent; else it must not be stored. */
  readonly isWhole: boolean;
}

/**
 * Where a run begins.
 * @param start first offset that is delivered
 * @param committed what runs before it have stored; of another log, where it lies behind `start`
 * @throws RangeError for metadata of something else
 */
export function resumeRedrive(
  start: bigint,
  committed: { readonly offset: bigint; readonly metadata: string } | undefined,
): RedriveProgress {
  return { next: start, left: undefined, sent: completedFrom(start, committed) };
}

/** Whether a run before this one has sent the letter. */
export function wasSent({ sent }: RedriveProgress, offset: bigint): boolean {
  const last = sent.at(-1);
  if (last === undefined || offset >= last.to) return false; // the usual case, while there may be thousands
  return sent.some(({ from, to }) => offset >= from && offset < to);
}

/**
 * The letter at `offset`, the next that the log has, is sent, or stays. Offsets that the log left out before it are counted
 * with one that is sent: they can never be delivered.
 */
export function passed({ next, left, sent }: RedriveProgress, offset: bigint, isSent: boolean): RedriveProgress {
  const after = offset + 1n;
  if (!isSent) return { next: after, left: left ?? offset, sent };
  if (left === undefined) return { next: after, left, sent: rangesFrom(after, sent) };
  return { next: after, left, sent: joined(sent, { from: next, to: after }) };
}

/** What is to be stored of it: everything below the first letter that stays, and a map of what was sent above. */
export function storedProgress({ next, left, sent }: RedriveProgress): StoredProgress {
  let offset = left ?? next;
  let ranges = rangesFrom(offset, sent);
  const [first] = ranges;
  if (first?.from === offset) {
    offset = first.to;
    ranges = ranges.slice(1);
  }
  const { text, isWhole } = encodeCompleted(offset, ranges);
  return { offset, metadata: text, isWhole };
}

function joined(ranges: readonly OffsetRange[], more: OffsetRange): readonly OffsetRange[] {
  let { from, to } = more;
  const last = ranges.at(-1);
  if (last === undefined || last.to < from) return [...ranges, more];
  const before: OffsetRange[] = [];
  const behind: OffsetRange[] = [];
  for (const range of ranges) {
    if (range.to < from) before.push(range);
    else if (range.from > to) behind.push(range);
    else {
      if (range.from < from) from = range.from;
      if (range.to > to) to = range.to;
    }
  }
  return [...before, { from, to }, ...behind];
}
