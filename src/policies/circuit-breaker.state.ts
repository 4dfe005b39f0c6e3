import { SlidingShare } from './sliding-share.state.ts';

export interface BreakerLimits {
  /** Failures in a row that open it; Infinity: none do. */
  readonly failures: number;
  /** Share of failures in a window that opens it; Infinity: none does. */
  readonly failureShare: number;
  readonly windowMs: number;
  /** Calls that a window must have seen before its share counts. */
  readonly minCalls: number;
  /** Longest time that it is open at first; it doubles with each probe that fails. */
  readonly openMs: number;
  readonly maxOpenMs: number;
  /** Most calls that run while it is half-open. */
  readonly probes: number;
}

export type BreakerPhase = 'closed' | 'open' | 'half-open';

/** One call's leave to run. It ends by exactly one of `succeeded`, `failed` and `left`. */
export interface BreakerPass {
  readonly isProbe: boolean;
  /** Counts the times it has opened or closed: what a call from before tells is old. */
  readonly term: number;
}

export interface FailedCall {
  readonly nowMs: number;
  /** From 0 up to 1. */
  readonly random: number;
  /** The shortest time that the other side asks for. */
  readonly retryAfterMs: number;
  /** It opens for this one call, whatever the others told. @defaultValue false */
  readonly opensAtOnce?: boolean;
}

/**
 * Closed: calls run, and are counted. Open: none runs, for a time. Half-open: some try; the first that succeeds closes it, the first
 * that fails opens it for longer.
 */
export class BreakerState {
  readonly #limits: BreakerLimits;
  readonly #window: SlidingShare;
  #term = 0;
  #isClosed = true;
  #untilMs = Number.NEGATIVE_INFINITY;
  #probing = 0;
  #inARow = 0;
  /** Since it was closed for long enough to be taken for well. */
  #openings = 0;
  #closedAtMs = Number.NEGATIVE_INFINITY;

  constructor(limits: BreakerLimits) {
    this.#limits = limits;
    this.#window = new SlidingShare(limits.windowMs);
  }

  phase(nowMs: number): BreakerPhase {
    if (this.#isClosed) return 'closed';
    return nowMs < this.#untilMs ? 'open' : 'half-open';
  }

  /** When it is half-open, or since when; only while it is not closed. */
  get untilMs(): number {
    return this.#untilMs;
  }

  get failuresInARow(): number {
    return this.#inARow;
  }

  /** Whether a call may run now. */
  hasRoom(nowMs: number): boolean {
    const phase = this.phase(nowMs);
    return phase === 'closed' || (phase === 'half-open' && this.#probing < this.#limits.probes);
  }

  /** Undefined: the call may not run now. */
  enter(nowMs: number): BreakerPass | undefined {
    if (!this.hasRoom(nowMs)) return undefined;
    const isProbe = !this.#isClosed;
    if (isProbe) this.#probing += 1;
    return { isProbe, term: this.#term };
  }

  succeeded({ isProbe, term }: BreakerPass, nowMs: number): void {
    if (term !== this.#term) return;
    if (isProbe) this.#close(nowMs);
    this.#inARow = 0;
    this.#window.count(false, nowMs);
  }

  failed({ isProbe, term }: BreakerPass, call: FailedCall): void {
    if (term !== this.#term) return;
    if (isProbe || call.opensAtOnce === true) {
      this.#open(call);
      return;
    }
    this.#inARow += 1;
    this.#window.count(true, call.nowMs);
    const { calls, share } = this.#window.look(call.nowMs);
    const { failures, failureShare, minCalls } = this.#limits;
    if (this.#inARow >= failures || (calls >= minCalls && share >= failureShare)) this.#open(call);
  }

  /** The call has told nothing about the other side: it was aborted, or failed for a reason of its own. */
  left({ isProbe, term }: BreakerPass): void {
    if (isProbe && term === this.#term) this.#probing -= 1;
  }

  #open({ nowMs, random, retryAfterMs }: FailedCall): void {
    const { openMs, maxOpenMs } = this.#limits;
    // One that closed only a moment ago goes on where it was: a service that answers one probe and falls over again is not well.
    if (this.#isClosed && nowMs - this.#closedAtMs >= maxOpenMs) this.#openings = 0;
    const longestMs = Math.min(maxOpenMs, openMs * 2 ** Math.min(this.#openings, 50));
    this.#openings += 1;
    this.#turn(false);
    // Half of it is certain, the rest spreads the probes of those who lost the same service at the same moment.
    this.#untilMs = nowMs + Math.max(retryAfterMs, (longestMs * (1 + random)) / 2);
  }

  #close(nowMs: number): void {
    this.#closedAtMs = nowMs;
    this.#turn(true);
  }

  #turn(isClosed: boolean): void {
    this.#isClosed = isClosed;
    this.#term += 1;
    this.#probing = 0;
    this.#inARow = 0;
    this.#window.clear();
  }
}
