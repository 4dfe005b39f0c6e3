import { SlidingShare } from './sliding-share.state.ts';

export interface RetryLimits {
  /** Most retries for each call of the window. */
  readonly share: number;
  /** Retries of a window that need no calls. */
  readonly floor: number;
  readonly windowMs: number;
}

/** Calls and retries of the last window. A retry may begin while there are no more of them than the calls allow, and the floor. */
export class RetryBudgetState {
  readonly #limits: RetryLimits;
  readonly #calls: SlidingShare;
  readonly #retries: SlidingShare;
  #promised = 0;

  constructor(limits: RetryLimits) {
    this.#limits = limits;
    this.#calls = new SlidingShare(limits.windowMs);
    this.#retries = new SlidingShare(limits.windowMs);
  }

  /** A call's first attempt began. */
  called(nowMs: number): void {
    this.#calls.count(false, nowMs);
  }

  /** Retries that may begin now. */
  left(nowMs: number): number {
    return Math.max(0, this.limit(nowMs) - this.used(nowMs) - this.#promised);
  }

  /** Retries that the window may have. */
  limit(nowMs: number): number {
    return this.#limits.floor + Math.floor(this.#limits.share * this.#calls.look(nowMs).calls);
  }

  used(nowMs: number): number {
    return this.#retries.look(nowMs).calls;
  }

  /** One retry begins; ask `left` first. */
  spend(nowMs: number): void {
    this.#retries.count(false, nowMs);
  }

  /** One retry will begin, or take it back; ask `left` first. It counts from when it begins. */
  promise(): void {
    this.#promised += 1;
  }

  keep(nowMs: number): void {
    this.#promised -= 1;
    this.spend(nowMs);
  }

  takeBack(): void {
    this.#promised -= 1;
  }

  /** The earliest time at which one that was spent may not count any more; undefined where none counts. */
  nextMs(nowMs: number): number | undefined {
    return this.#retries.nextMs(nowMs);
  }
}
