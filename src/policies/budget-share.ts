import type { Clock } from '../clock.ts';
import type { TokenEstimate, TokenUsage } from './call-amounts.state.ts';
import type { ResponseHeaders } from './provider-headers.ts';

/** One call that wants its share. */
export interface BudgetRequest {
  /** The most it can use: prompt and longest answer, or both as one number, which is then taken of either limit. */
  readonly tokens: TokenEstimate | number;
  /** Model and step, whose answers are alike: what `reserve` learns by. @defaultValue '' */
  readonly step?: string;
  readonly clock: Clock;
  /** Told when the call has to wait; see `CallScope.hold`. */
  readonly hold: (reason: string, untilMs: number) => void;
  /** Runs when the share is the call's, perhaps before `acquire` returns. */
  granted(share: BudgetShare): void;
  /** Runs instead when it cannot be granted: `call_too_large` for what this instance may spend of a shared budget. */
  failed?(error: Error): void;
}

/** What a call has in a budget, from asking to the end. The first of its ends decides, what comes later does nothing. */
export interface BudgetShare {
  /** False while the call waits. */
  readonly granted: boolean;
  /**
   * The call has ended: corrects the share to what was used, in tokens of prompt and answer or as one number; without, it stays the
   * most that was possible. `isWhole`: the answer ended by itself, and may be learnt from.
   */
  settle(used?: TokenUsage | number, isWhole?: boolean): void;
  /**
   * The call has ended without telling what it used: the prompt as reserved, and so many tokens of the answer as have come; beside
   * what it had used `before`, when it was made of several.
   */
  settleReceived(outputTokens: number, before?: TokenUsage): void;
  /** The call was never made: leaves the queue, or gives everything back. */
  cancel(): void;
  /** What the provider answered with; see `TokenBudget.observe`. */
  observe(headers: ResponseHeaders): void;
}
