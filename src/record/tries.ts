/** An attempt that failed and was not the last one. */
export interface FailedTry {
  /** In the clock's milliseconds since 1970. */
  readonly atMs: number;
  /** The error's code; its name where it has none. */
  readonly code: string;
}

/** What has been tried in one call. */
export interface Tries {
  /** Attempts counted so far: by a retry operator when they start, by the pipeline's default retry when they failed. */
  count: number;
  /** Calls within attempts beyond their first: answers that were asked for again. */
  repairs: number;
  /** A retry operator has worked on this call: the pipeline's default leaves it alone. */
  hasOperator: boolean;
  /** Waits for policies that have begun so far. */
  waits: number;
  /** Parts of the call that policies have let pass, and that run or have completed: while there are none, a call that waits has not been made. */
  passed: number;
  /** A piece of an answer has come: the call is not taken back for another one any more. */
  answering: boolean;
  /** Attempts that were followed by another one, overloads included, oldest first; the last 20. */
  readonly failed: FailedTry[];
}

/** Most failed attempts that are kept of one record. */
const mostKept = 20;

export const noTries = (): Tries => ({ count: 0, repairs: 0, hasOperator: false, waits: 0, passed: 0, answering: false, failed: [] });

/** Keeps one more, and forgets the oldest beyond the bound. */
export function keepTry(failed: FailedTry[], one: FailedTry): void {
  failed.push(one);
  if (failed.length > mostKept) failed.shift();
}
