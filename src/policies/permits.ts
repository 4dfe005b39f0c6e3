import { requireInteger } from '../errors.ts';
import { Fifo } from '../fifo.ts';
import type { Resource } from '../resource.ts';
import { PermitsState } from './permits.state.ts';
import type { PolicyState, WatchedPolicy } from './policy-state.ts';

/** A bound on calls that run at the same time, shared by all that are given it; `withPermit` obeys it. */
export interface Permits extends WatchedPolicy {
  readonly limit: number;
  /** Permits that are taken now; at most `limit`. */
  readonly used: number;
  /** Calls that wait for a permit now. */
  readonly waiting: number;
  /**
   * Calls `granted` as soon as a permit is free, in the order of asking, perhaps before this returns. `release`, which is
   * the result too, gives back the permit, or the place in the queue; calling it again does nothing.
   */
  acquire(granted: (release: () => void) => void): () => void;
  describe(): PolicyState;
}

interface Waiter {
  readonly grant: () => void;
  state: 'waiting' | 'granted' | 'over';
}

/**
 * `n` permits, first come first served. The value works at once, and is a resource of itself: give it to `resources` of
 * a pipeline, or share it between several by hand. Holds one entry per waiting call; the calls are bounded by those who
 * make them.
 *
 * @throws OptionError unless `n` is an integer of at least 1.
 * @see tower's `ConcurrencyLimit`: letting go of it frees the permit.
 */
export function permits(n: number): Permits & Resource<Permits> {
  requireInteger('permits', n, 1);
  const state = new PermitsState<Waiter>(n);
  const ready = new Fifo<Waiter>();
  let granting = false;

  // One loop at a time: calls that end at once must not pile up on the stack.
  const grant = (): void => {
    if (granting) return;
    granting = true;
    try {
      for (let next = ready.shift(); next; next = ready.shift()) next.grant();
    } finally {
      granting = false;
    }
  };
  const pass = (): void => {
    const next = state.release();
    if (!next) return;
    next.state = 'granted';
    ready.push(next);
    grant();
  };
  const self: Permits & Resource<Permits> = {
    name: `permits(${String(n)})`,
    limit: n,
    get used() {
      return state.used;
    },
    get waiting() {
      return state.waiting;
    },
    acquire: (granted) => {
      const release = (): void => {
        const { state: before } = waiter;
        waiter.state = 'over';
        if (before === 'granted') pass();
        else if (before === 'waiting') state.leave(waiter);
      };
      const waiter: Waiter = {
        state: 'waiting',
        grant: () => {
          if (waiter.state !== 'over') granted(release); // it may have left since the permit became its own
        },
      };
      if (state.request(waiter)) {
        waiter.state = 'granted';
        granted(release);
      }
      return release;
    },
    describe: () => stateOf(self),
    open: () => Promise.resolve({ value: self, close: () => Promise.resolve() }),
  };
  return self;
}

const stateOf = ({ name, used, limit, waiting }: Permits & Resource<Permits>): PolicyState => ({
  name,
  kind: 'permits',
  used,
  limit,
  waiting,
  ...(waiting > 0 ? { reason: 'all permits are taken' } : {}),
});
