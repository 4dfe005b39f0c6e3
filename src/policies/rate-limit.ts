import { type OptionNames, requireOptions } from '../check-options.ts';
import type { Clock } from '../clock.ts';
import { requireInteger, requireNumber } from '../errors.ts';
import type { Resource } from '../resource.ts';
import { TurnQueue } from './internal/turn-queue.ts';
import type { PolicyState, WatchedPolicy } from './policy-state.ts';
import { RateState } from './rate-limit.state.ts';

export interface RateLimitOptions {
  /** Starts a second, on average; above 0. @defaultValue 10 */
  readonly refillPerSecond?: number;
  /** Most starts at once, after a pause; at least 1. @defaultValue what one second refills, and at least 1 */
  readonly capacity?: number;
  /** Shortest time between two starts, in ms; at least 0. @defaultValue 0 */
  readonly minIntervalMs?: number;
}

/** One call that wants to start. */
export interface RateRequest {
  readonly clock: Clock;
  /** Told when the call has to wait; see `CallScope.hold`. */
  readonly hold: (reason: string, untilMs: number) => void;
  /** Runs when the call may start, perhaps before `acquire` returns. */
  readonly granted: () => void;
}

/** A bound on how often calls start, shared by all that are given it; `withinRate` obeys it. */
export interface RateLimit extends WatchedPolicy {
  readonly refillPerSecond: number;
  readonly capacity: number;
  readonly minIntervalMs: number;
  /** Calls that wait for their turn now. */
  readonly waiting: number;
  /** Grants starts in the order of asking. The result leaves the queue; after the start it does nothing: a start is not taken back. */
  acquire(request: RateRequest): () => void;
  /** `used` and `limit` are starts at once. */
  describe(nowMs: number): PolicyState;
}

const names: OptionNames<RateLimitOptions> = { refillPerSecond: true, capacity: true, minIntervalMs: true };

/**
 * A plain token bucket for any service: after a pause up to `capacity` calls start at once, then `refillPerSecond`, and never two
 * within `minIntervalMs`. In any stretch of t seconds at most capacity + t × refillPerSecond start; where a service counts in
 * windows and must never refuse, use `tokenBudget({ requestsPerMinute })`, which has no such burst.
 *
 * The value works at once, and is a resource of itself: give it to `resources` of a pipeline, or share it between several by
 * hand. Holds three numbers, one entry per waiting call, one timer.
 * @throws OptionError for an option outside its range.
 */
export function rateLimit(options: RateLimitOptions = {}): RateLimit & Resource<RateLimit> {
  requireOptions('rateLimit', options, names);
  const { refillPerSecond = 10, capacity = defaultCapacity(refillPerSecond), minIntervalMs = 0 } = options;
  requireNumber('rateLimit.refillPerSecond', refillPerSecond, 1e-6, 1e6);
  requireInteger('rateLimit.capacity', capacity, 1);
  requireNumber('rateLimit.minIntervalMs', minIntervalMs, 0);
  const state = new RateState({ capacity, refillPerSecond, minIntervalMs });
  const pace = minIntervalMs > 0 ? `, ${String(minIntervalMs)} ms apart` : '';
  const queue = new TurnQueue<undefined, true>({
    reason: `the rate limit is reached (${String(refillPerSecond)} a second${pace})`,
    readyAtMs: (_, nowMs) => state.readyAtMs(nowMs),
    take: (_, nowMs) => {
      state.take(nowMs);
      return true;
    },
  });
  const self: RateLimit & Resource<RateLimit> = {
    name: 'rateLimit',
    refillPerSecond,
    capacity,
    minIntervalMs,
    get waiting() {
      return queue.waiting;
    },
    acquire: ({ clock, hold, granted }) => {
      const turn = queue.enter(undefined, { clock, hold, granted: () => granted() });
      return () => void turn.end(() => undefined);
    },
    describe: (nowMs) => {
      const free = state.free(nowMs);
      const { pause, waiting } = queue;
      const paused = waiting > 0 && pause.untilMs > nowMs ? { pausedUntilMs: pause.untilMs, reason: pause.reason } : {};
      const numbers = { refill_per_second: refillPerSecond, min_interval_ms: minIntervalMs };
      return { name: self.name, kind: 'rate-limit', used: capacity - free, limit: capacity, waiting, ...paused, numbers };
    },
    open: () => Promise.resolve({ value: self, close: () => Promise.resolve() }),
  };
  return self;
}

const defaultCapacity = (refillPerSecond: unknown): number =>
  typeof refillPerSecond === 'number' && refillPerSecond >= 1 ? Math.floor(refillPerSecond) : 1;
