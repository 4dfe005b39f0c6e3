import type { Owned, Taken } from '../flow/owned.ts';
import type { Envelope } from '../record/envelope.ts';
import type { Settlement } from '../record/lineage.ts';
import type { Verdict } from '../record/outcome.ts';
import type { Consumer, ConsumeOptions, OwnedPartition } from '../transport/transport.ts';

/** How what records bring about reaches the log: the part of the line that differs between at-least-once and exactly-once. */
export interface Delivery {
  /** Bytes on the way out. */
  readonly bytes: number;
  /** Takes each envelope that reached the end. */
  readonly output: (envelope: Envelope<unknown, unknown>) => void;
  /** From here on this settlement answers for the record. */
  begin(taken: Taken, settlement: Settlement): void;
  /** Every part of the record is handed over, failed or dropped. */
  handed(taken: Taken, settlement: Settlement): void;
  /** The record was given back, by its present run or one before. */
  givenBack(settlement: Settlement): void;
  /** The record is settled by its present run, otherwise than given back. */
  settled(taken: Taken, verdict: Verdict): void;
  /** A partition has moved on without a record being settled: completed by an owner before us, or there is none. */
  moved(partition: Owned): void;

  /** Awaited when partitions were gained, before what is committed for them is read. */
  readonly beforeStart: ConsumeOptions['beforeStart'];
  attach(consumer: Consumer): void;
  /** Lets nothing of these partitions wait for company any more. */
  hurry(partitions: readonly Owned[]): void;
  /** Commits until nothing of these partitions is behind, or `giveUp` says so. */
  flush(partitions: readonly Owned[], giveUp: () => boolean): Promise<void>;
  /** Ends the work for these partitions: after it nothing of them is written or committed, unless it is under way already. */
  release(partitions: readonly OwnedPartition[]): Promise<void>;
  /** The same for partitions that are gone already. */
  lose(partitions: readonly OwnedPartition[]): void;
  stop(): Promise<void> | void;
}
