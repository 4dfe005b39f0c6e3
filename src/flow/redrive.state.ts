import { decodeCompleted, encodeCompleted, type OffsetRange } from './completed-map.state.ts';

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
  const map = committed !== undefined && committed.offset <= start ? decodeCompleted(committed.offset, committed.metadata) : [];
  return { next: start, left: undefined, sent: above(map, start) };
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
  if (left === undefined) return { next: after, left, sent: above(sent, after) };
  return { next: after, left, sent: joined(sent, { from: next, to: after }) };
}

/** What is to be stored of it: everything below the first letter that stays, and a map of what was sent above. */
export function storedProgress({ next, left, sent }: RedriveProgress): StoredProgress {
  let offset = left ?? next;
  let ranges = above(sent, offset);
  const [first] = ranges;
  if (first?.from === offset) {
    offset = first.to;
    ranges = ranges.slice(1);
  }
  const { text, isWhole } = encodeCompleted(offset, ranges);
  return { offset, metadata: text, isWhole };
}

const above = (ranges: readonly OffsetRange[], start: bigint): readonly OffsetRange[] =>
  ranges.flatMap(({ from, to }) => (to > start ? [{ from: from > start ? from : start, to }] : []));

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
