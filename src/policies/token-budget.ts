import { type OptionNames, requireOptions } from '../check-options.ts';
import type { CancelTimer, Clock } from '../clock.ts';
import { OptionError, RecordError, requireInteger } from '../errors.ts';
import { Fifo } from '../fifo.ts';
import type { Resource } from '../resource.ts';
import type { PolicyState, WatchedPolicy } from './policy-state.ts';
import { BudgetState, type Reservation } from './token-budget.state.ts';

export interface TokenBudgetOptions {
  /** Most tokens in any 60 s, prompts and answers together; at least 1. @defaultValue no limit */
  readonly tokensPerMinute?: number;
  /** Most calls in any 60 s; at least 1. @defaultValue no limit */
  readonly requestsPerMinute?: number;
}

/** One call that wants its share. */
export interface BudgetRequest {
  /** The most it can use. */
  readonly tokens: number;
  readonly clock: Clock;
  /** Told when the call has to wait; see `CallScope.hold`. */
  readonly hold: (reason: string, untilMs: number) => void;
  /** Runs when the share is the call's, perhaps before `acquire` returns. */
  granted(share: BudgetShare): void;
}

/** What a call has in a budget, from asking to the end. The first of the two decides, what comes later does nothing. */
export interface BudgetShare {
  /** False while the call waits. */
  readonly granted: boolean;
  /** The call has ended: corrects the share to the tokens used; without a number it stays as estimated. */
  settle(usedTokens?: number): void;
  /** The call was never made: leaves the queue, or gives everything back. */
  cancel(): void;
}

/** A bound on tokens and calls per minute, shared by all that are given it; `withinBudget` obeys it. */
export interface TokenBudget extends WatchedPolicy {
  readonly tokensPerMinute: number | undefined;
  readonly requestsPerMinute: number | undefined;
  /** Calls that wait for their share now. */
  readonly waiting: number;
  /** What counts in the last 60 s: used by calls that ended, estimated for those that run. */
  spent(nowMs: number): { readonly tokens: number; readonly requests: number };
  /**
   * Grants shares in the order of asking: a big call is not overtaken by small ones.
   * @throws RecordError `call_too_large` for more tokens than a whole minute has.
   */
  acquire(request: BudgetRequest): BudgetShare;
  /** `used` and `limit` are tokens where they are limited, else requests. */
  describe(nowMs: number): PolicyState;
}

const windowMs = 60_000;

const names: OptionNames<TokenBudgetOptions> = { tokensPerMinute: true, requestsPerMinute: true };

/**
 * A budget over a sliding minute: in no 60 s more is spent than the limits, unless a call used more than it estimated;
 * what it used beyond is spent when it is known, and the next ones wait. The value works at once, and is a resource of
 * itself: give it to `resources` of a pipeline, or share it between several by hand. Holds about 1,000 sums and one entry
 * per waiting call; the calls are bounded by those who make them.
 *
 * @throws OptionError without any limit, or for one outside its range.
 */
export function tokenBudget(options: TokenBudgetOptions): TokenBudget & Resource<TokenBudget> {
  requireOptions('tokenBudget', options, names);
  const { tokensPerMinute, requestsPerMinute } = options;
  if (tokensPerMinute === undefined && requestsPerMinute === undefined) {
    throw new OptionError('tokenBudget needs tokensPerMinute, requestsPerMinute or both, got neither');
  }
  if (tokensPerMinute !== undefined) requireInteger('tokenBudget.tokensPerMinute', tokensPerMinute, 1);
  if (requestsPerMinute !== undefined) requireInteger('tokenBudget.requestsPerMinute', requestsPerMinute, 1);
  const state = new BudgetState({ tokens: tokensPerMinute ?? Infinity, requests: requestsPerMinute ?? Infinity, windowMs });
  const queue = new BudgetQueue(state, `the token budget is spent (${inWords(tokensPerMinute, requestsPerMinute)})`);
  const self: TokenBudget & Resource<TokenBudget> = {
    name: 'tokenBudget',
    tokensPerMinute,
    requestsPerMinute,
    get waiting() {
      return queue.waiting;
    },
    spent: (nowMs) => state.spent(nowMs),
    acquire: (request) => {
      const { tokens } = request;
      if (tokens > state.limits.tokens) {
        const text = `a call that may use ${String(tokens)} tokens can never run within ${inWords(tokensPerMinute, undefined)}: shorten the prompt or maxTokens, or raise tokensPerMinute`;
        throw new RecordError('call_too_large', text);
      }
      return queue.enter(request);
    },
    describe: (nowMs) => stateOf(self, queue.pause, nowMs),
    open: () => Promise.resolve({ value: self, close: () => Promise.resolve() }),
  };
  return self;
}

const inWords = (tokens: number | undefined, requests: number | undefined): string =>
  [
    tokens === undefined ? [] : `${String(tokens)} tokens per minute`,
    requests === undefined ? [] : `${String(requests)} requests per minute`,
  ]
    .flat()
    .join(', ');

function stateOf(budget: TokenBudget & Resource<TokenBudget>, pause: Pause, nowMs: number): PolicyState {
  const { name, tokensPerMinute, requestsPerMinute, waiting } = budget;
  const { tokens, requests } = budget.spent(nowMs);
  return {
    name,
    kind: 'token-budget',
    used: tokensPerMinute === undefined ? requests : tokens,
    limit: tokensPerMinute ?? requestsPerMinute ?? Infinity,
    waiting,
    ...(waiting > 0 && pause.untilMs > nowMs ? { pausedUntilMs: pause.untilMs, reason: pause.reason } : {}),
    numbers: {
      tokens_left: (tokensPerMinute ?? Infinity) - tokens,
      requests_left: (requestsPerMinute ?? Infinity) - requests,
    },
  };
}

/** Until when the first call waits. */
interface Pause {
  readonly reason: string;
  readonly untilMs: number;
}

interface Waiter {
  readonly request: BudgetRequest;
  readonly share: BudgetShare;
  over: boolean;
  reservation: Reservation | undefined;
}

const sweepAt = 64; // below it, those who left cost less than looking for them

/** The thin shell of a budget: who waits, and the one timer for the first of them. */
class BudgetQueue {
  readonly #state: BudgetState;
  readonly #reason: string;
  readonly #waiters = new Fifo<Waiter>();
  #left = 0;
  #cancelTimer: CancelTimer | undefined;
  #told: Waiter | undefined;
  #readyAtMs = 0;
  #pumping = false;

  constructor(state: BudgetState, reason: string) {
    this.#state = state;
    this.#reason = reason;
  }

  get waiting(): number {
    return this.#waiters.size - this.#left;
  }

  /** Of the first waiter; it may be over. */
  get pause(): Pause {
    return { reason: this.#reason, untilMs: this.#readyAtMs };
  }

  enter(request: BudgetRequest): BudgetShare {
    const { tokens, clock } = request;
    const share: BudgetShare = {
      get granted() {
        return waiter.reservation !== undefined;
      },
      settle: (usedTokens = tokens) => {
        this.#end(waiter, (reservation) => {
          this.#state.settle(reservation, usedTokens, clock.nowMs());
        });
      },
      cancel: () => {
        this.#end(waiter, (reservation) => {
          this.#state.cancel(reservation);
        });
      },
    };
    const waiter: Waiter = { request, share, over: false, reservation: undefined };
    this.#waiters.push(waiter);
    if (this.#waiters.size === 1) this.#pump(); // else the first one has been seen to, and nothing has changed for it
    // the first one is told by the pump
    if (!share.granted && this.#waiters.peek() !== waiter && this.#readyAtMs > clock.nowMs()) request.hold(this.#reason, this.#readyAtMs);
    return share;
  }

  #end(waiter: Waiter, change: (reservation: Reservation) => void): void {
    if (waiter.over) return;
    waiter.over = true;
    if (waiter.reservation) change(waiter.reservation);
    else this.#leave();
    this.#pump();
  }

  /** Those who left stay in the queue until they are met, or are its greater part: leaving is O(1). */
  #leave(): void {
    this.#left += 1;
    if (this.#left < sweepAt || this.#left * 2 < this.#waiters.size) return;
    this.#waiters.sweep(({ over }) => !over);
    this.#left = 0;
  }

  /** Serves the first waiters that fit. One loop at a time: a call that ends at once comes back in here. */
  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      this.#stopTimer();
      for (let first = this.#waiters.peek(); first; first = this.#waiters.peek()) {
        if (!first.over && !this.#serve(first)) return;
        this.#waiters.shift();
        if (first.over) this.#left -= 1;
        else first.request.granted(first.share);
      }
    } finally {
      this.#pumping = false;
    }
  }

  #serve(first: Waiter): boolean {
    const { tokens, clock, hold } = first.request;
    const nowMs = clock.nowMs();
    const readyAtMs = this.#state.readyAtMs(tokens, nowMs);
    if (readyAtMs <= nowMs) {
      first.reservation = this.#state.reserve(tokens, nowMs);
      return true;
    }
    if (this.#told !== first || this.#readyAtMs !== readyAtMs) hold(this.#reason, readyAtMs);
    this.#told = first;
    this.#readyAtMs = readyAtMs;
    this.#cancelTimer = clock.schedule(readyAtMs - nowMs, () => {
      this.#pump();
    });
    return false;
  }

  #stopTimer(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }
}
