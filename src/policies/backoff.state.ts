import type { Grade } from '../errors.ts';

export interface Backoff {
  /** Most attempts, the first one included. */
  readonly attempts: number;
  /** Longest wait before the second attempt; it doubles from there. */
  readonly initialMs: number;
  /** Longest wait of all. */
  readonly maxMs: number;
}

export interface FailedAttempt {
  readonly grade: Grade;
  /** No attempt, but waited out: an overload, or the crash of a model. */
  readonly isWaitedOut: boolean;
  /** Attempts that ran, this one included if it counts. */
  readonly attempt: number;
  /** What was waited out in a row, this included. */
  readonly waitedOut: number;
  /** The shortest wait that the other side asks for. */
  readonly retryAfterMs: number;
  /** From 0 up to 1. */
  readonly random: number;
  readonly nowMs: number;
  readonly deadlineMs: number;
}

/** How long a machine that is short of something is left alone at first: memory comes back when calls end, not at once. */
const resourceInitialMs = 5_000;

/** The wait before the next attempt; undefined when there is to be none. */
export function waitBeforeRetry(backoff: Backoff, failed: FailedAttempt): number | undefined {
  const isOverload = failed.grade === 'overload';
  if (!failed.isWaitedOut && failed.attempt >= backoff.attempts) return undefined;
  const isResource = failed.grade === 'resource';
  const exponent = (failed.isWaitedOut ? failed.waitedOut : failed.attempt) - 1;
  const initialMs = isResource ? Math.max(backoff.initialMs, resourceInitialMs) : backoff.initialMs;
  const mostMs = Math.min(backoff.maxMs, initialMs * 2 ** Math.min(exponent, 50));
  // Full jitter, and on top of what the other side asked for: whoever was told the same moment must not come back in it.
  // Where something is used up half of the wait is certain: at once it would only fail again.
  const jitter = isResource ? (1 + failed.random) / 2 : failed.random;
  const waitMs = failed.retryAfterMs + jitter * mostMs;
  // While an overload is waited out the record's time stands still: only one that is over already ends it.
  return failed.nowMs + (isOverload ? 0 : waitMs) >= failed.deadlineMs ? undefined : waitMs;
}
