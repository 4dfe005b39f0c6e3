import type { CallMeter, CallScope } from '../../src/call.ts';
import type { BudgetShare, TokenUsage } from '../../src/policies/token-budget.ts';

/** What is known of one attempt's use, and the one settling of it. */
export class Spending implements CallMeter {
  readonly #share: BudgetShare;
  readonly #outer: CallMeter | undefined;
  #received: number | undefined;
  #done: TokenUsage | undefined;
  #isSent = true;
  #isWhole = false;
  /** As the call's values tell it. */
  told: TokenUsage | number | undefined;

  constructor(share: BudgetShare, scope: CallScope) {
    this.#share = share;
    this.#outer = scope.meter;
    this.#outer?.sent(true);
  }

  observe(headers: Parameters<CallMeter['observe']>[0]): void {
    this.#share.observe(headers);
    this.#outer?.observe(headers);
  }

  received(tokens: number): void {
    this.#received = (this.#received ?? 0) + tokens;
    this.#outer?.received(tokens);
  }

  used(usage: TokenUsage): void {
    const { inputTokens = 0, outputTokens = 0, cachedTokens = 0 } = this.#done ?? {};
    this.#done = {
      inputTokens: inputTokens + usage.inputTokens,
      outputTokens: outputTokens + usage.outputTokens,
      cachedTokens: cachedTokens + (usage.cachedTokens ?? 0),
    };
    this.#received = undefined;
    this.#outer?.used(usage);
  }

  sent(isSent: boolean): void {
    this.#isSent = isSent;
    this.#outer?.sent(isSent);
  }

  completed(): void {
    this.#isWhole = true;
  }

  settle(): void {
    if (this.told !== undefined) this.#share.settle(larger(this.told, this.#done), this.#isWhole);
    else if (this.#received !== undefined && this.#isSent) this.#share.settleReceived(this.#received, this.#done);
    else if (this.#done !== undefined) this.#share.settle(this.#done, this.#isWhole);
    else if (!this.#isSent) this.#share.cancel();
    else this.#share.settle();
  }
}

/** A value tells of the requests that it came of; those that were hedged, and lost, only the meter knows. */
function larger(told: TokenUsage | number, done: TokenUsage | undefined): TokenUsage | number {
  return done !== undefined && totalOf(done) > totalOf(told) ? done : told;
}

const totalOf = (usage: TokenUsage | number): number =>
  typeof usage === 'number' ? usage : (usage.totalTokens ?? usage.inputTokens + usage.outputTokens);
