import type { CallMark, CallSample, LimitSettings } from './adaptive-limit.state.ts';

const successesPerStep = 25; // a step up may cost an overload answer
const backOff = 0.75;

/**
 * Additive increase, multiplicative decrease: an overload cuts the limit by a quarter, and after each 25 successes while all of it is used there is one more. Nothing else moves it: who knows how many calls there will be, and
 * has few of them, loses more by looking for a better limit than there is to find.
 * @see Chiu and Jain, "Analysis of the Increase and Decrease Algorithms for Congestion Avoidance" (1989).
 */
export class AimdLimitState {
  readonly #settings: Pick<LimitSettings, 'min' | 'max' | 'initial' | 'coolDownMs'>;
  #limit: number;
  /** Since the limit was moved. */
  #successes = 0;
  #lowered = 0;
  #coolDownUntilMs = Number.NEGATIVE_INFINITY;

  constructor(settings: Pick<LimitSettings, 'min' | 'max' | 'initial' | 'coolDownMs'>) {
    this.#settings = settings;
    this.#limit = settings.initial;
  }

  get limit(): number {
    return this.#limit;
  }

  /** How often an overload has lowered the limit. */
  get lowered(): number {
    return this.#lowered;
  }

  get coolDownUntilMs(): number {
    return this.#coolDownUntilMs;
  }

  begin(): CallMark {
    return { settled: 0, lowered: this.#lowered };
  }

  ended(call: CallSample): void {
    if (call.result === 'overload') this.#overloaded(call);
    else if (call.result === 'success') this.#succeeded(call);
  }

  #succeeded({ nowMs, running }: CallSample): void {
    if (nowMs < this.#coolDownUntilMs || running < this.#limit || this.#limit >= this.#settings.max) return;
    this.#successes += 1;
    if (this.#successes >= successesPerStep) this.#moveTo(this.#limit + 1);
  }

  #overloaded({ begun, nowMs, running, retryAfterMs }: CallSample): void {
    if (begun.lowered !== this.#lowered) return; // sent before the last cut
    this.#lowered += 1;
    const { min, coolDownMs } = this.#settings;
    const level = Math.min(this.#limit, running);
    const coolsDown = nowMs < this.#coolDownUntilMs;
    this.#coolDownUntilMs = Math.max(this.#coolDownUntilMs, nowMs + (retryAfterMs ?? coolDownMs));
    this.#moveTo(Math.max(min, coolsDown ? Math.min(this.#limit, running - 1) : Math.min(level - 1, Math.round(level * backOff))));
  }

  #moveTo(limit: number): void {
    this.#limit = limit;
    this.#successes = 0;
  }
}
