import type { Clock } from '../clock.ts';
import type { Pipeline } from '../pipeline.ts';
import type { OutputRecord } from '../record/record.ts';

/** What one app of a run is given: its time, and whom it tells of its calls. */
export interface AppSide {
  readonly app: number;
  readonly clock: Clock;
  /** A call for a part of a record starts or ends; `together`: it is one call for several records. */
  readonly called: (record: number, part: string, step: 'start' | 'end', together: boolean) => void;
  /** The number of the record at a place, if one was written there. */
  readonly recordAt: (place: { readonly topic: string; readonly partition: number; readonly offset: bigint }) => number | undefined;
}

/** What runs in a world, and how it tells what came of what. */
export interface Subject {
  /** The pipeline as one app runs it: made anew for each, as each has its own resources. */
  readonly pipeline: (side: AppSide) => Pipeline;
  /** Lets the registries of its codecs answer, or not. */
  readonly registries?: (isAvailable: boolean) => void;
  /** Which record an output descends from, and which of its parts it is; `record` undefined: nobody can tell. */
  readonly identify: (topic: string, output: Pick<OutputRecord, 'key' | 'value' | 'headers'>) => Identity;
}

export interface Identity {
  readonly record: number | undefined;
  readonly part: string;
}
