import type { Observable } from 'rxjs';
import type { TaskResult } from './task.ts';

/** Where the tasks of a submission stand. */
export interface SubmissionCounts {
  /** Taken from the input so far. */
  readonly taken: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly cancelled: number;
  /** Ended, and not read yet. */
  readonly unread: number;
}

/**
 * The results of one submission, each exactly once, in the order in which tasks end. They are read by one reader, in one of four ways; what nobody reads is held, and from
 * `maxUnread` on nothing more is taken of the submission. Leaving early (`break`, unsubscribing) cancels.
 *
 * A task that fails is a result with its error, and ends nothing. The reading fails where the input does (its iterator threw), after the results of what was taken before. Nothing of it is ever
 * an unhandled rejection.
 */
export interface Results<In, Out> extends AsyncIterable<TaskResult<In, Out>> {
  /** For another `for await`, `all`, `promise` or `observable` after the first: throws OptionError. */
  [Symbol.asyncIterator](): AsyncIterator<TaskResult<In, Out>, undefined>;
  /** All results in the order of the input; holds all of them. The same promise each time. */
  all(): Promise<readonly TaskResult<In, Out>[]>;
  /** All plain results in the order of the input; rejects with the error of the first task in that order that failed, with an AbortError where one was cancelled. Uses `all`. */
  readonly promise: Promise<readonly Out[]>;
  /** The results as they come. Unsubscribing cancels what is left. */
  readonly observable: Observable<TaskResult<In, Out>>;
  readonly counts: SubmissionCounts;
  /** For tasks that are taken from now on: -1,000 to 1,000, a higher one is more urgent. @throws OptionError for one outside that range. */
  setPriority(priority: number): void;
  /** Takes nothing more, aborts what runs within one token; what was taken and has not ended is `cancelled`. Called again, it does nothing. */
  cancel(): void;
}
