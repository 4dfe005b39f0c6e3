import type { Clock } from '../clock.ts';
import { requireInteger } from '../errors.ts';
import type { Resource } from '../resource.ts';
import type { Release } from './call-outcome.ts';
import { PermitQueue } from './internal/permit-queue.ts';
import type { PolicyState, WatchedPolicy } from './policy-state.ts';

/** A bound on calls that run at the same time, shared by all that are given it; `withPermit` obeys it. */
export interface Permits extends WatchedPolicy {
  /** The most that may be taken now; it may change where the limit learns. */
  readonly limit: number;
  /** Permits that are taken now; at most `limit`, but for those that were taken before it fell. */
  readonly used: number;
  /** Calls that wait for a permit now. */
  readonly waiting: number;
  /**
   * Calls `granted` as soon as a permit is free, in the order of asking, perhaps before this returns. The result gives up the place in
   * the queue, and is the `release` that `granted` is called with. `clock` measures waits and calls. @defaultValue the machine's clock
   */
  acquire(granted: (release: Release) => void, clock?: Clock): Release;
  /**
   * With `numbers`: `wait_p50_ms` and `wait_p99_ms`, how long calls waited for their permit in the last minute (at most 20 % too high), and
   * `use_share`, the share of `limit` that was taken on average over that time.
   */
  describe(nowMs: number): PolicyState;
}

/**
 * `n` permits, first come first served. The value works at once, and is a resource of itself: give it to `resources` of
 * a pipeline, or share it between several by hand. Holds one entry per waiting call, and 5 kB to measure with; the calls are
 * bounded by those who make them.
 *
 * @throws OptionError unless `n` is an integer of at least 1.
 * @see tower's `ConcurrencyLimit`: letting go of it frees the permit.
 */
export function permits(n: number): Permits & Resource<Permits> {
  requireInteger('permits', n, 1);
  const queue = new PermitQueue<undefined>({ limit: () => n, begin: () => undefined, end: () => undefined });
  const self: Permits & Resource<Permits> = {
    name: `permits(${String(n)})`,
    limit: n,
    get used() {
      return queue.used;
    },
    get waiting() {
      return queue.waiting;
    },
    acquire: (granted, clock) => queue.acquire(granted, clock),
    describe: (nowMs) => ({
      name: self.name,
      kind: 'permits',
      used: queue.used,
      limit: n,
      waiting: queue.waiting,
      ...(queue.waiting > 0 ? { reason: 'all permits are taken' } : {}),
      numbers: {
        wait_p50_ms: queue.recent.waitMs(0.5, nowMs),
        wait_p99_ms: queue.recent.waitMs(0.99, nowMs),
        use_share: queue.recent.meanUse(nowMs) / n,
      },
    }),
    open: () => Promise.resolve({ value: self, close: () => Promise.resolve() }),
  };
  return self;
}
