import type { PendingOf } from '../flow/codec-waits.ts';
import type { NoteKeepers } from '../flow/owned-notes.ts';
import type { Sink } from '../flow/sink.ts';
import type { Pipeline } from '../pipeline.ts';
import type { ResolvedStartOptions } from './options.ts';
import type { Stats } from './stats.ts';

/** What a line is assembled from. */
export interface LineParts {
  readonly pipeline: Pipeline;
  readonly options: ResolvedStartOptions;
  readonly resources: Readonly<Record<string, unknown>>;
  /** Those of the resources that keep notes of partitions. */
  readonly noteKeepers: NoteKeepers;
  readonly sink: Sink;
  /** What reading a record needs that is not here yet. */
  readonly pending?: PendingOf | undefined;
  readonly stats: Stats;
  /** The pipeline cannot go on. */
  readonly fail: (error: Error) => void;
}
