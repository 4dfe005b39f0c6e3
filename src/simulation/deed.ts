import type { Ordering } from '../record/ordering.ts';
import type { OutputRecord } from '../record/record.ts';
import type { RetryTopic } from '../retry-options.ts';
import type { StartOptions } from '../runtime/options.ts';
import type { Expected, FaultName } from './history.ts';

/** A record of a run, before it is written. */
export interface FedRecord extends OutputRecord {
  /** Its number in the history. */
  readonly record: number;
  readonly topic: string;
  readonly partition: number;
  /** The broker holds bytes for so many offsets that nobody can read. */
  readonly undecodable?: { readonly offsets: number; readonly bytes: number };
  /** Compacted away before anybody reads. */
  readonly removed?: boolean;
  readonly expected: Expected;
}

/** Something that is done to a run. */
export type Deed = FeedDeed | SkipDeed | FaultDeed;

interface FeedDeed {
  readonly atMs: number;
  readonly do: 'feed';
  readonly records: readonly FedRecord[];
}

/** Offsets without a record, as the markers of transactions are. */
interface SkipDeed {
  readonly atMs: number;
  readonly do: 'skip';
  readonly topic: string;
  readonly partition: number;
  readonly count: number;
}

export interface FaultDeed {
  readonly atMs: number;
  readonly do: Exclude<FaultName, 'moved-in-haste'>;
  /** How many requests fail. */
  readonly count: number;
  /** How long it lasts, or until it is noticed. */
  readonly ms: number;
  /** Which of the members, counted round. */
  readonly which: number;
}

/** Everything that is done in one run, and to what. */
export interface WorldPlan {
  /** What chance within the apps comes from. */
  readonly seed: number;
  readonly groupId: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly deadLetter: string | undefined;
  /** Where failed records wait, the first delay first. @defaultValue none */
  readonly retryTopics?: readonly RetryTopic[];
  readonly ordering: Ordering;
  /** What the pipeline promises. @defaultValue at least once */
  readonly delivery?: 'at-least-once' | 'exactly-once';
  /** Of every topic. */
  readonly partitions: number;
  readonly maxFetchRecords: number;
  readonly options: Omit<StartOptions, 'transport' | 'clock' | 'random' | 'log' | 'signals'>;
  /** Whether a record in flight may be given back when its partition moves, because there is not the time to finish it. */
  readonly isHasty: boolean;
  /** In the order of their times. */
  readonly deeds: readonly Deed[];
}
