import { RecordError } from '../../errors.ts';
import type { BudgetRequest, BudgetShare } from '../budget-share.ts';
import {
  type Amounts,
  amountsOfEstimate,
  amountsOfTotal,
  amountsOfUsage,
  moneyUnits,
  type TokenEstimate,
  type TokenUsage,
  type Unit,
  units,
} from '../call-amounts.state.ts';
import type { PolicyState } from '../policy-state.ts';
import { readProviderHeaders, type ResponseHeaders } from '../provider-headers.ts';
import type { ResolvedBudget, TokenBudgetOptions } from '../token-budget-options.ts';
import type { BudgetSums, Reservation } from '../token-budget.state.ts';
import { type Turn, TurnQueue } from './turn-queue.ts';

const inOptions = {
  tokens: 'tokensPerMinute',
  requests: 'requestsPerMinute',
  inputTokens: 'inputTokensPerMinute',
  outputTokens: 'outputTokensPerMinute',
  money: 'moneyPerDay',
} as const satisfies Record<Unit, keyof TokenBudgetOptions>;
const inNumbers = {
  tokens: 'tokens_left',
  requests: 'requests_left',
  inputTokens: 'input_tokens_left',
  outputTokens: 'output_tokens_left',
  money: 'money_left',
} as const satisfies Record<Unit, string>;
const shownFirst = ['tokens', 'requests', 'inputTokens', 'outputTokens', 'money'] as const;

export const inCurrency = (amounts: Amounts): Amounts => ({ ...amounts, money: amounts.money / moneyUnits });

/** What is done beside serving calls. */
export interface DeskHooks {
  readonly taken?: () => void;
  /** The first call has to wait; the result ends that. */
  readonly blocked?: (wanted: Amounts, nowMs: number) => Error | undefined;
}

const asksForPause = 'the provider asks for a pause (retry-after)';
const mostAsked = 256; // calls that wait behind so many others need nothing yet

/** Where calls ask for their shares of a budget, and settle them: the queue, and what is told of it. */
export class BudgetDesk {
  readonly #rules: ResolvedBudget;
  readonly #sums: BudgetSums;
  readonly #queue: TurnQueue<Amounts, Reservation>;
  readonly #overshoot = { tokens: 0, calls: 0 };

  constructor(rules: ResolvedBudget, sums: BudgetSums, hooks: DeskHooks = {}) {
    this.#rules = rules;
    this.#sums = sums;
    const spent = `the token budget is spent (${rules.inWords})`;
    let isAsked = false;
    this.#queue = new TurnQueue({
      get reason() {
        return isAsked ? asksForPause : spent;
      },
      readyAtMs: (wanted, nowMs) => {
        const readyAtMs = sums.readyAtMs(wanted, nowMs);
        isAsked = readyAtMs > nowMs && readyAtMs <= sums.pausedUntilMs;
        return readyAtMs;
      },
      take: (wanted, nowMs) => {
        const reservation = sums.reserve(wanted, nowMs);
        hooks.taken?.();
        return reservation;
      },
      blocked: (wanted, nowMs) => hooks.blocked?.(wanted, nowMs),
    });
  }

  get waiting(): number {
    return this.#queue.waiting;
  }

  acquire(request: BudgetRequest): BudgetShare {
    const { prices } = this.#rules;
    requireFits(amountsOfEstimate(request.tokens, prices), this.#rules);
    const wanted = amountsOfEstimate(toReserve(request, this.#rules), prices);
    const { clock, hold } = request;
    const granted = (turn: Turn<Amounts, Reservation>): void => request.granted(this.#shareOf(turn, request));
    const turn = this.#queue.enter(wanted, { clock, hold, granted, failed: (error) => request.failed?.(error) });
    return this.#shareOf(turn, request);
  }

  /** More may be spent than before. */
  freed(): void {
    this.#queue.pump();
  }

  /** What the calls want that wait, together. */
  demand(): Amounts {
    const sums = { requests: 0, tokens: 0, inputTokens: 0, outputTokens: 0, money: 0 };
    let calls = 0;
    for (const wanted of this.#queue.wanted()) {
      if ((calls += 1) > mostAsked) break;
      for (const unit of units) sums[unit] += wanted[unit];
    }
    return sums;
  }

  observe(headers: ResponseHeaders, nowMs: number, sentMs = nowMs): void {
    const told = readProviderHeaders(headers, nowMs);
    const retryAfterMs = told.retryAfterMs === undefined ? undefined : Math.min(told.retryAfterMs, this.#rules.maxPauseMs);
    this.#sums.observe({ ...told, retryAfterMs }, nowMs, sentMs);
    this.#queue.pump();
  }

  describe(name: string, nowMs: number): PolicyState {
    const { limits, reserve } = this.#rules;
    const { waiting, pause } = this.#queue;
    const left = inCurrency(this.#sums.left(nowMs));
    const unit = shownFirst.find((one) => limits[one] < Infinity) ?? 'tokens';
    const shown = units.filter((one) => one === 'tokens' || one === 'requests' || limits[one] < Infinity);
    const { pausedUntilMs } = this.#sums;
    const asked = pausedUntilMs > nowMs ? { pausedUntilMs, reason: asksForPause } : {};
    const paused = waiting > 0 && pause.untilMs > nowMs ? { pausedUntilMs: pause.untilMs, reason: pause.reason } : asked;
    const { tokens, calls } = this.#overshoot;
    return {
      name,
      kind: 'token-budget',
      used: inCurrency(this.#sums.spent(nowMs))[unit],
      limit: inCurrency(limits)[unit],
      waiting,
      ...paused,
      numbers: {
        ...Object.fromEntries(shown.map((one) => [inNumbers[one], left[one]])),
        ...(reserve ? { overshoot_tokens: tokens, overshoot_calls: calls } : {}),
      },
    };
  }

  #shareOf(turn: Turn<Amounts, Reservation>, { tokens, step = '', clock }: BudgetRequest): BudgetShare {
    const { prices, reserve } = this.#rules;
    return {
      get granted() {
        return turn.taken !== undefined;
      },
      settle: (used = tokens, isWhole = false) => {
        const isTotal = typeof used === 'number';
        const isFirst = this.#correct(turn, isTotal ? amountsOfTotal(used, tokens, prices) : amountsOfUsage(used, prices), clock.nowMs());
        if (isFirst && isWhole && !isTotal) reserve?.learn(step, used.outputTokens);
      },
      settleReceived: (received, before = nothing) => {
        const used =
          typeof tokens === 'number'
            ? amountsOfEstimate(tokens, prices)
            : amountsOfUsage(together(before, { ...tokens, outputTokens: Math.min(received, tokens.outputTokens) }), prices);
        this.#correct(turn, used, clock.nowMs());
      },
      cancel: () => {
        turn.end((reservation) => this.#sums.cancel(reservation));
      },
      observe: (headers) => {
        const nowMs = clock.nowMs();
        this.observe(headers, nowMs, turn.taken?.atMs);
      },
    };
  }

  #correct(turn: Turn<Amounts, Reservation>, used: Amounts, nowMs: number): boolean {
    return turn.end((reservation) => {
      if (!units.every((unit) => used[unit] >= 0 && used[unit] < Infinity)) return; // no number: it stays as reserved, for no sum could be mended
      const over = used.tokens - reservation.amounts.tokens;
      if (over > 0) {
        this.#overshoot.tokens += over;
        this.#overshoot.calls += 1;
      }
      this.#sums.settle(reservation, used, nowMs);
    });
  }
}

const nothing: TokenUsage = { inputTokens: 0, outputTokens: 0 };
const together = (a: TokenUsage, b: TokenUsage): TokenUsage => ({
  inputTokens: a.inputTokens + b.inputTokens,
  outputTokens: a.outputTokens + b.outputTokens,
  cachedTokens: (a.cachedTokens ?? 0) + (b.cachedTokens ?? 0),
});

/** What is reserved of an estimate; where prompt and answer are one number, all of it. */
function toReserve({ tokens, step = '' }: BudgetRequest, { reserve }: ResolvedBudget): TokenEstimate | number {
  if (reserve === undefined || typeof tokens === 'number') return tokens;
  return { ...tokens, outputTokens: Math.min(tokens.outputTokens, reserve.outputTokens(step, tokens.outputTokens)) };
}

/** Judged by the most it can use, also where less is reserved: it is to be certain that the call can run. */
function requireFits(most: Amounts, { limits, inWords }: ResolvedBudget): void {
  const unit = units.find((one) => most[one] > limits[one]);
  if (unit === undefined) return;
  const what = unit === 'money' ? `cost ${String(most.money / moneyUnits)}` : `use ${String(most[unit])} tokens`;
  const which = { tokens: '', requests: '', inputTokens: ' of its prompt', outputTokens: ' of its answer', money: '' }[unit];
  throw new RecordError(
    'call_too_large',
    `a call that may ${what}${which} can never run within ${inWords}: shorten the prompt or maxTokens, or raise ${inOptions[unit]} (or windowMs)`,
  );
}
