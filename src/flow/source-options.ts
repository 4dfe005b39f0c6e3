import type { Clock } from '../clock.ts';
import type { RetryTopic } from '../retry-options.ts';
import type { Ordering } from '../record/ordering.ts';
import type { OpenParts } from '../record/run.ts';
import type { PendingOf } from './codec-waits.ts';
import type { Owned, Taken } from './owned.ts';
import type { NoteKeepers } from './owned-notes.ts';
import type { WindowOptions } from './window.state.ts';

export interface SourceOptions extends WindowOptions {
  readonly ordering: Ordering;
  readonly clock: Clock;
  readonly open: OpenParts;
  /** Most records of one partition above its watermark, in flight or settled: what a crash could do again. Beyond it the partition waits. */
  readonly maxAboveWatermark: number;
  /** Topics whose records wait until they are due. */
  readonly retryTopics: readonly RetryTopic[];
  /** Of input topics, by their names: their shares of what is taken. 1 for what is not in it. */
  readonly weights: ReadonlyMap<string, number>;
  /** Bytes that wait for the broker on the way out; nothing is taken while they reach `maxBytesInFlight`. */
  readonly outgoingBytes: () => number;
  readonly unreadableMetadata: 'fail' | 'ignore';
  /** What reading a record needs that is not here yet: its partition waits for that. @defaultValue nothing ever */
  readonly pending?: PendingOf | undefined;
  /** Policies that keep a note of each partition beside its offset. @defaultValue none */
  readonly noteKeepers?: NoteKeepers;
  /** A record was found completed by an earlier owner: it is settled as it is, and there is something to commit. */
  readonly skipped: (partition: Owned) => void;
  /** The watermark has passed offsets that hold no records, and there is something to commit. */
  readonly passed: (partition: Owned) => void;
  /** Puts a record into the pipeline. Must not throw. */
  readonly emit: (taken: Taken) => void;
}
