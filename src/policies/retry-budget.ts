import { type OptionNames, requireOptions } from '../check-options.ts';
import type { CancelTimer, Clock } from '../clock.ts';
import { requireInteger, requireNumber } from '../errors.ts';
import type { Resource } from '../resource.ts';
import type { PolicyState, WatchedPolicy } from './policy-state.ts';
import { RetryBudgetState } from './retry-budget.state.ts';

export interface RetryBudgetOptions {
  /** Most retries for each call of the window; at least 0, at most 1. @defaultValue 0.1 */
  readonly share?: number;
  /** Retries of a window that need no calls, so that a quiet pipeline can retry too; at least 1. @defaultValue 10 */
  readonly floor?: number;
  /** More than 0. @defaultValue 10,000 */
  readonly windowMs?: number;
}

/** One retry that wants to begin. */
export interface RetryRequest {
  readonly clock: Clock;
  /** From 0 up to 1. */
  readonly random: () => number;
  /** Runs when the retry may begin, perhaps before `retry` returns. */
  granted(): void;
}

/** Bounds the retries of all calls that share it; `retryWithBackoff({ budget })`, `retry: { budget }` and `hedge` obey it. */
export interface RetryBudget extends WatchedPolicy {
  /** Retries that wait. */
  readonly waiting: number;
  /** The first attempt of a call begins: it earns its share of a retry. */
  called(nowMs: number): void;
  /** Spends a retry at once, or not at all: for what can do without. */
  take(nowMs: number): boolean;
  /** Waits for a retry, and spends it. The result gives up the place. */
  retry(request: RetryRequest): () => void;
}

const names: OptionNames<RetryBudgetOptions> = { share: true, floor: true, windowMs: true };

interface Waiter {
  readonly request: RetryRequest;
  /** Its place among those who wait; -1 when it is none of them. */
  at: number;
  cancelTurn: CancelTimer | undefined;
}

/**
 * A bound on retries, shared by all that are given it: in any window they are at most `share` of the calls and `floor` more. Without it a service that fails
 * is called `attempts` times as often as one that is well. When it is spent retries wait, and never fail for it: whichever by chance is first, not all at
 * once. The value works at once, and is a resource of itself. Holds about 40 sums, and an entry for each retry that waits.
 *
 * @throws OptionError for an option outside its range.
 * @see tower's and Finagle's retry budget, which fail the call when it is spent.
 */
export function retryBudget(options: RetryBudgetOptions = {}): RetryBudget & Resource<RetryBudget> {
  requireOptions('retryBudget', options, names);
  const { share = 0.1, floor = 10, windowMs = 10_000 } = options;
  requireNumber('retryBudget.share', share, 0, 1);
  requireInteger('retryBudget.floor', floor, 1);
  requireNumber('retryBudget.windowMs', windowMs, Number.MIN_VALUE);
  const state = new RetryBudgetState({ share, floor, windowMs });
  const queue = new RetryQueue(state, windowMs / 5);
  const self: RetryBudget & Resource<RetryBudget> = {
    name: 'retryBudget',
    get waiting() {
      return queue.waiting;
    },
    called: (nowMs) => {
      state.called(nowMs);
      queue.look(nowMs);
    },
    take: (nowMs) => {
      const may = queue.waiting === 0 && state.left(nowMs) > 0;
      if (may) state.spend(nowMs);
      return may;
    },
    retry: (request) => queue.enter(request),
    describe: (nowMs) => stateOf(state, queue.waiting, nowMs),
    open: () => Promise.resolve({ value: self, close: () => Promise.resolve() }),
  };
  return self;
}

const stateOf = (state: RetryBudgetState, waiting: number, nowMs: number): PolicyState => ({
  name: 'retryBudget',
  kind: 'retry-budget',
  used: state.used(nowMs),
  limit: state.limit(nowMs),
  waiting,
  ...(waiting > 0 ? { reason: 'the retry budget is spent' } : {}),
});

/** The thin shell: retries that wait, the one timer for them, and their turns. */
class RetryQueue {
  readonly #state: RetryBudgetState;
  readonly #spreadMs: number;
  readonly #waiting: Waiter[] = [];
  #turns = 0;
  #cancelTimer: CancelTimer | undefined;

  constructor(state: RetryBudgetState, spreadMs: number) {
    this.#state = state;
    this.#spreadMs = spreadMs;
  }

  get waiting(): number {
    return this.#waiting.length + this.#turns;
  }

  enter(request: RetryRequest): () => void {
    const nowMs = request.clock.nowMs();
    if (this.#waiting.length === 0 && this.#state.left(nowMs) > 0) {
      this.#state.spend(nowMs);
      request.granted();
      return () => undefined;
    }
    const waiter: Waiter = { request, at: this.#waiting.length, cancelTurn: undefined };
    this.#waiting.push(waiter);
    this.look(nowMs);
    return () => {
      this.#leave(waiter, request.clock.nowMs());
    };
  }

  /** Gives what has become free to those who wait. What comes free together must not begin together: each has a turn of its own. */
  look(nowMs: number): void {
    for (let left = this.#state.left(nowMs); left > 0 && this.#waiting.length > 0; left -= 1) this.#grant();
    this.#stopTimer();
    const [first] = this.#waiting;
    if (!first) return;
    const { clock } = first.request;
    const nextMs = this.#state.nextMs(nowMs) ?? nowMs;
    this.#cancelTimer = clock.schedule(Math.max(1, nextMs - nowMs), () => {
      this.look(clock.nowMs());
    });
  }

  #grant(): void {
    const { random } = (this.#waiting[0] as Waiter).request;
    const i = Math.min(this.#waiting.length - 1, Math.floor(random() * this.#waiting.length));
    const waiter = this.#waiting[i] as Waiter;
    this.#remove(waiter);
    this.#state.promise();
    this.#turns += 1;
    waiter.cancelTurn = waiter.request.clock.schedule(waiter.request.random() * this.#spreadMs, () => {
      waiter.cancelTurn = undefined;
      this.#turns -= 1;
      this.#state.keep(waiter.request.clock.nowMs());
      waiter.request.granted();
    });
  }

  #leave(waiter: Waiter, nowMs: number): void {
    if (waiter.cancelTurn) {
      waiter.cancelTurn();
      waiter.cancelTurn = undefined;
      this.#turns -= 1;
      this.#state.takeBack();
    } else if (waiter.at >= 0) this.#remove(waiter);
    else return;
    this.look(nowMs); // what it had is free, and the timer may have been set by its clock
  }

  /** Their order is chance: the last one takes the place. */
  #remove(waiter: Waiter): void {
    const last = this.#waiting.pop();
    if (last && last !== waiter) {
      this.#waiting[waiter.at] = last;
      last.at = waiter.at;
    }
    waiter.at = -1;
  }

  #stopTimer(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }
}
