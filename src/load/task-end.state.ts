import type { Marks } from './peak-rate.state.ts';

/** What one request is for. */
export interface LoadTask {
  /** From 1, in the order of their starts. */
  readonly number: number;
  /** From 1; in an open loop there are none, and it is 0. */
  readonly queue: number;
  readonly user: string | undefined;
  /** When it should have begun: later where there was no room. In ms of the clock. */
  readonly dueMs: number;
}

/** Why a task is none of the completed ones. */
export interface TaskFailure {
  /** Few and short, to be counted: `status 429`, `time-out`, `cut stream`. */
  readonly cause: string;
  readonly message: string;
}

/** How a task went. Times in ms of the clock. */
export interface TaskEnd extends LoadTask {
  readonly sentMs: number;
  /** When the first text came. */
  readonly firstMs: number | undefined;
  /** When the last text came. */
  readonly lastMs: number | undefined;
  readonly endMs: number;
  /** Undefined: it is completed. */
  readonly failure: TaskFailure | undefined;
  readonly events: number;
  /** Events that brought some of the answer. */
  readonly chunks: number;
  readonly tokens: number;
  /** Who says how many tokens: the server's usage, its count with each chunk, or nobody, so that a chunk is one. */
  readonly countedBy: 'usage' | 'server' | 'chunks';
  /** When tokens came, in stretches of 100 ms of the clock; they sum to what the chunks said. */
  readonly marks: Marks;
  /** The answer began anew so often. */
  readonly restarts: number;
  /** It went out once more: a connection that was kept had been closed by the server meanwhile, before a byte came back. */
  readonly isResent: boolean;
}

/** Of whoever stopped the run: neither completed nor failed. */
export const interrupted = 'interrupted';
