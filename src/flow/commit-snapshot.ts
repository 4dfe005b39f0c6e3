import { encodeCompleted, fullShare, maxMetadataChars } from './completed-map.state.ts';
import type { Standing } from './offset-tracker.state.ts';
import { joinMetadata } from './commit-metadata.state.ts';
import type { Owned } from './owned.ts';

/** What a commit stores of a partition. */
export interface CommitSnapshot {
  readonly offset: bigint;
  readonly metadata: string;
  /** `tracker.changes` that it covers. */
  readonly changes: number;
  /** Whether everything completed above the offset is in it; else what lies nearest is. */
  readonly isWhole: boolean;
}

/**
 * A partition as it stands, or as it will when the records of `also` are settled too, with what policies note of it; notes on it how
 * full its map is.
 */
export function snapshotOf(owned: Owned, noted: string, also?: ReadonlySet<number>): CommitSnapshot {
  const { watermark: offset, completed } = withAhead(owned.tracker.standing(also), owned);
  const { text, isWhole } = encodeCompleted(offset, completed, maxMetadataChars - noted.length - 1);
  const metadata = joinMetadata(text, noted);
  owned.mapShare = metadata.length / maxMetadataChars;
  owned.mapFull = !isWhole || owned.mapShare > fullShare;
  return { offset, metadata, changes: owned.tracker.changes + (also?.size ?? 0), isWhole };
}

/**
 * Adds what an owner before us has completed and was not delivered to us yet: a commit that left it out would have the owner
 * after us run it again.
 */
function withAhead({ watermark, completed }: Standing, owned: Owned): Standing {
  if (owned.completedAhead.length === 0 && owned.floor <= watermark) return { watermark, completed };
  const all = [...completed, ...owned.completedAhead].sort((a, b) => (a.from < b.from ? -1 : 1));
  const ranges: { from: bigint; to: bigint }[] = [];
  let offset = watermark > owned.floor ? watermark : owned.floor;
  for (const range of all) {
    const last = ranges.at(-1);
    if (range.to <= offset) continue;
    if (range.from <= offset) offset = range.to;
    else if (last && range.from <= last.to) last.to = range.to > last.to ? range.to : last.to;
    else ranges.push({ ...range });
  }
  return { watermark: offset, completed: ranges };
}
