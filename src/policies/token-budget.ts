import type { Resource } from '../resource.ts';
import type { BudgetRequest, BudgetShare } from './budget-share.ts';
import type { Amounts } from './call-amounts.state.ts';
import { BudgetDesk, inCurrency } from './internal/budget-desk.ts';
import { ShareKeeper } from './internal/share-keeper.ts';
import { keepsNotes, type NoteKeeper } from './partition-notes.ts';
import type { PolicyState, WatchedPolicy } from './policy-state.ts';
import type { ResponseHeaders } from './provider-headers.ts';
import { SharedBudgetState } from './shared-budget.state.ts';
import { type ResolvedBudget, resolveBudget, type TokenBudgetOptions } from './token-budget-options.ts';
import { BudgetState, type BudgetSums } from './token-budget.state.ts';

export type { BudgetRequest, BudgetShare } from './budget-share.ts';
export type { TokenPrices } from '../record/token-prices.ts';
export type { TokenEstimate, TokenUsage } from './call-amounts.state.ts';
export type { ResponseHeaders } from './provider-headers.ts';
export type { TokenBudgetOptions } from './token-budget-options.ts';

/** A bound on tokens, calls and money, shared by all that are given it; `withinBudget` obeys it. */
export interface TokenBudget extends WatchedPolicy {
  readonly tokensPerMinute: number | undefined;
  readonly requestsPerMinute: number | undefined;
  /** Calls that wait for their share now. */
  readonly waiting: number;
  /** What counts now: used by calls that ended, reserved for those that run. Money in its currency. */
  spent(nowMs: number): Amounts;
  /**
   * Grants shares in the order of asking: a big call is not overtaken by small ones.
   * @throws RecordError `call_too_large` for more than a whole window, or day, has.
   */
  acquire(request: BudgetRequest): BudgetShare;
  /**
   * Takes note of what a provider's answer says in its headers: `retry-after`, `retry-after-ms`, `x-ratelimit-*`,
   * `anthropic-ratelimit-*`. It only ever lowers what is left; what is older than the newest seen, or says of a reset that has passed,
   * counts for nothing. `withinBudget` does it for models that tell.
   */
  observe(headers: ResponseHeaders, nowMs: number): void;
  /** `used` and `limit` are tokens where they are limited, else the first that is: requests, prompt, answer, money. */
  describe(nowMs: number): PolicyState;
}

/**
 * A budget over a sliding minute, and day: in no 60 s more is spent than the limits, wherever they begin, and there is no boundary
 * at which a second full budget begins. Before a call the most that it can use is reserved, prompt and longest answer, and after it
 * corrected to what it used; so only a call that uses more than it said can pass a limit (or `reserve: learnedP95()`, by as much as
 * its page says), and the next ones wait for what it took.
 *
 * The value works at once, and is a resource of itself: give it to `resources` of a pipeline, or share it between several by hand.
 * It is this process's alone, unless it is `sharedBy: 'partitions'`. Holds about 5,000 sums and one entry per waiting call; the calls are bounded by those who make them.
 *
 * @throws OptionError without any limit, or for an option outside its range.
 */
export function tokenBudget(options: TokenBudgetOptions): TokenBudget & Resource<TokenBudget> {
  const rules = resolveBudget(options);
  const { sums, desk, keeper } = rules.isShared ? sharedDesk(rules) : ownDesk(rules);
  const self: TokenBudget & Resource<TokenBudget> = {
    name: 'tokenBudget',
    tokensPerMinute: options.tokensPerMinute,
    requestsPerMinute: options.requestsPerMinute,
    get waiting() {
      return desk.waiting;
    },
    spent: (nowMs) => inCurrency(sums.spent(nowMs)),
    acquire: (request) => desk.acquire(request),
    observe: (headers, nowMs) => desk.observe(headers, nowMs),
    describe: (nowMs) => desk.describe(self.name, nowMs),
    ...(keeper ? { [keepsNotes]: keeper } : {}),
    open: () => Promise.resolve({ value: self, close: () => Promise.resolve() }),
  };
  return self;
}

interface Parts {
  readonly sums: BudgetSums;
  readonly desk: BudgetDesk;
  readonly keeper?: NoteKeeper;
}

function ownDesk(rules: ResolvedBudget): Parts {
  const sums = new BudgetState(rules);
  return { sums, desk: new BudgetDesk(rules, sums) };
}

const firstLeaseMs = 2_400; // the keeper knows better as soon as it is attached

function sharedDesk(rules: ResolvedBudget): Parts {
  const sums = new SharedBudgetState({ ...rules, leaseMs: firstLeaseMs });
  const keeper: ShareKeeper = new ShareKeeper({ rules, state: sums, demand: () => desk.demand(), freed: () => desk.freed() });
  const desk: BudgetDesk = new BudgetDesk(rules, sums, {
    taken: () => keeper.changed(),
    blocked: (wanted, nowMs) => {
      keeper.changed();
      return keeper.refusal(wanted, nowMs);
    },
  });
  return { sums, desk, keeper };
}
