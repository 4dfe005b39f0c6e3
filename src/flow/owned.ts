import { messageOf, PipelineError } from '../errors.ts';
import { Fifo } from '../fifo.ts';
import type { Settlement } from '../record/lineage.ts';
import type { Spending } from '../record/spending.ts';
import { formatPartition, type Position, type SourceRecord } from '../record/record.ts';
import type { Assignment, OwnedPartition } from '../transport/transport.ts';
import { completedFrom, type OffsetRange } from './completed-map.state.ts';
import { Lanes } from './lanes.state.ts';
import { type Origin, waitedOrigin } from './origin.ts';
import { type NoteKeepers, OwnedNotes } from './owned-notes.ts';
import { OffsetTracker } from './offset-tracker.state.ts';

/** Where a failed record goes. */
export type Departed = 'retry' | 'dead-letter';

/** A record in flight: taken from the log and not settled. */
export interface Taken {
  readonly partition: Owned;
  readonly record: SourceRecord;
  /** What it was before it first failed, where it comes by a retry topic and says so. */
  readonly origin: Origin | undefined;
  /** Settles it in the partition's tracker. */
  ticket: number;
  readonly bytes: number;
  readonly lane: string | undefined;
  readonly takenMs: number;
  /** Of all that were taken; who came later has a higher one. */
  readonly number: number;
  /** Of its present run through the pipeline; undefined while it waits in its lane. */
  settlement: Settlement | undefined;
  /** What models have used for it in runs before that. */
  spent: Spending | undefined;
  /** Why its codec will never be able to read it, where that was known before it was taken. */
  readonly refusal: Error | undefined;
  /** The pipeline has no more to do with it: its lane is free. */
  through: boolean;
  /** Failed: which way it was written last; it counts once that is acknowledged, or committed. */
  departed: Departed | undefined;
  /** Settled or given back: it holds no place in the window any more. */
  over: boolean;
}

/** One unbroken ownership of one partition, and everything that is kept for it. */
export class Owned implements OwnedPartition {
  readonly topic: string;
  readonly partition: number;
  readonly epoch: number;
  /** Where delivery began. */
  readonly start: bigint;
  readonly tracker: OffsetTracker<Taken>;
  readonly lanes = new Lanes<Taken>();
  /** Fetched, not taken: at most 128 KiB and a fetch. */
  readonly ahead = new Fifo<SourceRecord>();
  aheadBytes = 0;
  /** Of a retry topic: its records wait until they are due. */
  readonly isDelayed: boolean;
  /** The next record that has waited long enough. */
  dueHead: bigint | undefined;
  /** The next record that its codecs can read, or are known not to. */
  readableHead: bigint | undefined;
  /** Why they never will. */
  refusedHead: { readonly offset: bigint; readonly error: Error } | undefined;
  /** Since when a codec waits for what it needs to read its next record, in the clock's time. */
  unreadableSinceMs: number | undefined;
  /** Its next record is not due, or cannot be read yet: it is paused, and what of it was fetched does not count against the others. */
  isParked = false;
  /** Records in flight. */
  inFlight = 0;
  bytesInFlight = 0;
  /** Of the window, what it may count on when that is short: 0 to 1. */
  share = 1;
  /** What an owner before us had completed above `start`, nearest first: these are not run again. */
  readonly #completedBefore: OffsetRange[];
  /** What policies keep of it beside its offset. */
  readonly notes: OwnedNotes;
  /** What was committed last, or where delivery began: no commit says less. */
  floor: bigint;
  /** `tracker.changes` as they stood at the last commit. */
  committedChanges = 0;
  /** Of the commit's metadata, how much the last map took: 0 to 1. */
  mapShare = 0;
  /** The map may grow no further: nothing more is taken until the watermark moves. */
  mapFull = false;
  /** What the group has stored for this partition, as far as we know. */
  committed: bigint | undefined;
  /** The same with its metadata, word for word; kept up to date where offsets are stored by transactions. */
  stored: Assignment['committed'];
  /** Next offset to be written, as far as known. */
  high: bigint;
  /** Next offset that was not fetched. */
  fetched: bigint;
  paused = false;
  /** The log refused a commit of this epoch: another member owns the partition by now. */
  fenced = false;
  /** Too much is settled above the watermark: nothing more is taken until it moves. */
  stalled = false;
  /** `held`: works; `leaving`: what was emitted is finished and committed, nothing new starts; `gone`: fenced. */
  phase: 'held' | 'leaving' | 'gone' = 'held';

  /** @throws PipelineError `unreadable_metadata` when the group has stored something else than our map, unless that is to be ignored. */
  constructor(
    { topic, partition, epoch, start, committed, high }: Assignment,
    unreadableMetadata: 'fail' | 'ignore',
    isDelayed = false,
    noteKeepers: NoteKeepers = new Map(),
  ) {
    const keepers = isDelayed ? new Map<string, never>() : noteKeepers; // policies share by the partitions of the inputs themselves
    this.topic = topic;
    this.partition = partition;
    this.epoch = epoch;
    this.start = start;
    this.isDelayed = isDelayed;
    this.tracker = new OffsetTracker(start);
    this.committed = committed?.offset;
    this.stored = committed;
    try {
      this.#completedBefore = [...completedFrom(start, committed)];
      this.notes = OwnedNotes.read(this, committed?.metadata, keepers);
    } catch (error) {
      if (unreadableMetadata === 'fail') throw unreadable(this, error);
      this.#completedBefore = [];
      this.notes = OwnedNotes.blind(this, keepers);
    }
    this.floor = start;
    this.high = high;
    this.fetched = start;
  }

  /** The ownership is over. */
  end(): void {
    this.phase = 'gone';
    this.notes.lose();
  }

  /** Whether an owner before us has completed this record. Asked in the order of offsets. */
  wasCompleted(offset: bigint): boolean {
    for (let first = this.#completedBefore[0]; first; first = this.#completedBefore[0]) {
      if (offset < first.to) return offset >= first.from;
      this.#completedBefore.shift();
    }
    return false;
  }

  /** What an owner before us has completed, as far as it may not have been delivered yet. */
  get completedAhead(): readonly OffsetRange[] {
    return this.#completedBefore;
  }

  /** One of its records is in flight. */
  entered(bytes: number): void {
    this.inFlight += 1;
    this.bytesInFlight += bytes;
  }

  released(bytes: number): void {
    this.inFlight -= 1;
    this.bytesInFlight -= bytes;
  }

  /** Whether it may take nothing more before its watermark moves: for its map, or for what a crash would do again. */
  isFull(maxAboveWatermark: number): boolean {
    return this.mapFull || this.tracker.aboveWatermark >= maxAboveWatermark;
  }

  /** Whether there is something to commit. */
  get isBehind(): boolean {
    return !this.fenced && this.phase !== 'gone' && (this.tracker.changes > this.committedChanges || this.notes.isBehind);
  }

  /** Records that were written and are not settled, as far as known. */
  get lag(): bigint {
    return this.high > this.tracker.watermark ? this.high - this.tracker.watermark : 0n;
  }

  /** What is in flight, in the order it was taken. */
  taken(): readonly Taken[] {
    return this.inFlight === 0 ? [] : this.tracker.open().filter(({ over }) => !over);
  }

  /** Where a record was read. */
  positionOf({ offset }: SourceRecord): Position {
    return { topic: this.topic, partition: this.partition, offset, epoch: this.epoch };
  }
}

/** Counts on over all sources: only which of two is higher means anything. */
const takenSoFar = { count: 0 };

/** A record at the moment when it is taken. */
export function takenOf(partition: Owned, record: SourceRecord, taken: Pick<Taken, 'bytes' | 'lane' | 'takenMs'>): Taken {
  const origin = partition.isDelayed ? waitedOrigin(record) : undefined;
  takenSoFar.count += 1;
  const { count: number } = takenSoFar;
  return {
    partition,
    record,
    origin,
    ...taken,
    number,
    ticket: 0,
    settlement: undefined,
    through: false,
    spent: origin?.spent,
    refusal: partition.refusedHead?.offset === record.offset ? partition.refusedHead.error : undefined,
    departed: undefined,
    over: false,
  };
}

/** Whether the pipeline still works on it. */
export const isInPipeline = ({ settlement, through }: Taken): boolean => settlement !== undefined && !settlement.closed && !through;

/** Where a record stands, as users, logs and dead letters are told: in its own topic, also when it comes by a retry topic. */
export function positionOf({ partition, record, origin }: Taken): Position {
  if (origin === undefined) return partition.positionOf(record);
  return { topic: origin.topic, partition: origin.partition, offset: origin.offset, epoch: partition.epoch };
}

function unreadable(owned: Owned, cause: unknown): PipelineError {
  return new PipelineError(
    'unreadable_metadata',
    `the group has stored ${JSON.stringify(owned.stored?.metadata.slice(0, 60))} beside offset ${String(owned.start)} of ${formatPartition(owned)}, which is not a map of completed records (${messageOf(cause)}): another program, or a newer version, commits for this group. Give the pipeline a groupId of its own, or unreadableMetadata: 'ignore' (--unreadable-metadata ignore), which runs what was completed above that offset again`,
    { cause },
  );
}
