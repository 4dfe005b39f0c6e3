import type { Clock } from '../clock.ts';
import type { TopicPartition } from '../record/record.ts';

/** A policy that bears this keeps a note of each partition beside its offset in the log. */
export const keepsNotes = Symbol.for('millrace.keeps-notes');

/** The pipeline for whose partitions notes are kept. */
export interface NoteGroup {
  readonly clock: Clock;
  /** All partitions of its input topics, owned or not, in an order that is the same in all instances. */
  readonly partitions: readonly TopicPartition[];
  /** A note that is behind is written within so long, in ms, if the log can be reached. */
  readonly commitIntervalMs: number;
  /** Tells people of something that does not pass by itself; undefined: it has passed. */
  readonly trouble: (why: string | undefined) => void;
  /** To be called when a note has come to be behind. */
  readonly changed: () => void;
}

/** A note on its way to the log; of its three ends one is told, at most once. */
export interface WrittenNote {
  /** Characters of base64url; '' where there is nothing to be kept. */
  readonly text: string;
  stored(): void;
  /** Nobody knows whether it is stored. */
  failed(): void;
  /** It was never sent. */
  dropped(): void;
}

/** The note of one partition while it is owned. */
export interface PartitionNote {
  /** It should be written soon. */
  readonly isBehind: boolean;
  write(): WrittenNote;
  /** The last work for the partition has ended: what is written from now on is for its next owner. */
  leave(): void;
  /** The partition is not owned any more. */
  lose(): void;
}

/** Keeps notes for one pipeline at a time. */
export interface NoteKeeper {
  /** @throws OptionError where it cannot work for these partitions. The result ends it. */
  attach(group: NoteGroup): () => void;
  /**
   * A partition is owned from now on.
   * @param text the note that its owner before has left; undefined: there is none; 'unreadable': there may have been one
   * @throws RangeError for a note that it did not write
   */
  gained(partition: TopicPartition, text: string | undefined): PartitionNote;
}
