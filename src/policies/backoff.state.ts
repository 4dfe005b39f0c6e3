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
  /** Attempts that ran, this one included if it counts. */
  readonly attempt: number;
  /** Overloads in a row, this one included. */
  readonly overloads: number;
  /** The shortest wait that the other side asks for. */
  readonly retryAfterMs: number;
  /** From 0 up to 1. */
  readonly random: number;
  readonly nowMs: number;
  readonly deadlineMs: number;
}

/** The wait before the next attempt; undefined when there is to be none. */
export function waitBeforeRetry(backoff: Backoff, failed: FailedAttempt): number | undefined {
  const isOverload = failed.grade === 'overload';
  if (!isOverload && failed.attempt >= backoff.attempts) return undefined;
  const exponent = (isOverload ? failed.overloads : failed.attempt) - 1;
  const mostMs = Math.min(backoff.maxMs, backoff.initialMs * 2 ** Math.min(exponent, 50));
  // Full jitter, and on top of what the other side asked for: whoever was told the same moment must not come back in it.
  const waitMs = failed.retryAfterMs + failed.random * mostMs;
  return failed.nowMs + waitMs >= failed.deadlineMs ? undefined : waitMs;
}
