import { Fifo } from '../fifo.ts';
import type { Settlement } from '../record/lineage.ts';
import type { Position, SourceRecord } from '../record/record.ts';
import type { Assignment, OwnedPartition } from '../transport/transport.ts';
import { Lanes } from './lanes.state.ts';
import { OffsetTracker } from './offset-tracker.state.ts';

/** A record in flight: taken from the log and not settled. */
export interface Taken {
  readonly partition: Owned;
  readonly record: SourceRecord;
  /** Settles it in the partition's tracker. */
  ticket: number;
  readonly bytes: number;
  readonly lane: string | undefined;
  readonly takenMs: number;
  /** Of its present run through the pipeline; undefined while it waits in its lane. */
  settlement: Settlement | undefined;
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
  /** Fetched, not taken: at most 256 KiB and a fetch. */
  readonly ahead = new Fifo<SourceRecord>();
  aheadBytes = 0;
  /** Records in flight. */
  inFlight = 0;
  /** What the group has stored for this partition, as far as we know. */
  committed: bigint | undefined;
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

  constructor({ topic, partition, epoch, start, committed }: Assignment) {
    this.topic = topic;
    this.partition = partition;
    this.epoch = epoch;
    this.start = start;
    this.tracker = new OffsetTracker(start);
    this.committed = committed?.offset;
    this.high = start;
    this.fetched = start;
  }

  /** Records that were written and are not settled, as far as known. */
  get lag(): bigint {
    return this.high > this.tracker.watermark ? this.high - this.tracker.watermark : 0n;
  }

  /** What is in flight, in the order it was taken. */
  taken(): readonly Taken[] {
    return this.inFlight === 0 ? [] : this.tracker.open().filter(({ over }) => !over);
  }

  positionOf({ offset }: SourceRecord): Position {
    return { topic: this.topic, partition: this.partition, offset, epoch: this.epoch };
  }
}
