import type { PipelineLog } from './pipeline-log.ts';
import type { PolicyState } from './policy-state.ts';

/** Where a cache learns what others have kept. `id` is a digest of the exact key. */
export interface StoredAnswers {
  /** An answer that was given at `atMs`, in ms since 1970; the last one put counts, also when it is older. One that is too old by now is left out. */
  put(id: string, values: readonly unknown[], atMs: number, nowMs: number): void;
  remove(id: string): void;
  /** All that were given at that time or before. */
  removeUntil(atMs: number): void;
}

/** A store that is open. What it is given it keeps when it can: nothing here waits or throws. */
export interface OpenCallStore {
  put(id: string, values: readonly unknown[], atMs: number): void;
  remove(id: string, atMs: number): void;
  removeUntil(atMs: number): void;
  describe(): PolicyState;
  /** Writes what waits, for 2 s at most. */
  close(): Promise<void>;
}

/** Where a {@link callCache} keeps its answers beside memory; see {@link topicStore}. A value that starts nothing. */
export interface CallStore {
  /** For messages. */
  readonly name: string;
  /** @throws OptionError or TransportError for what a person has to mend; a store that is away is none of it */
  open(log: PipelineLog, into: StoredAnswers): Promise<OpenCallStore>;
}
