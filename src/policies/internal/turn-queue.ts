import type { CancelTimer, Clock } from '../../clock.ts';
import { Fifo } from '../../fifo.ts';

/** One call that wants to start. */
export interface TurnRequest<W, R> {
  readonly clock: Clock;
  /** Told when the call has to wait; see `CallScope.hold`. */
  readonly hold: (reason: string, untilMs: number) => void;
  /** Runs when it is the call's turn, perhaps before `enter` returns. */
  readonly granted: (turn: Turn<W, R>) => void;
  /** Runs instead when it can never be its turn. */
  readonly failed?: (error: Error) => void;
}

/** What decides who may start. */
export interface TurnRules<W, R> {
  /** Why calls wait, in words that do not change from moment to moment; who waits is told when they do. */
  readonly reason: string;
  readyAtMs(wanted: W, nowMs: number): number;
  take(wanted: W, nowMs: number): R;
  /** The first of those that wait could not be served. The result ends its wait. @defaultValue nothing is done */
  blocked?(wanted: W, nowMs: number): Error | undefined;
}

/** A call's place, from asking to the end. */
export interface Turn<W, R> {
  readonly wanted: W;
  /** What was taken for it; undefined while it waits. */
  readonly taken: R | undefined;
  /** False when it was over before. What was taken is handed to `change`; without any it leaves the queue. */
  end(change: (taken: R) => void): boolean;
}

/** Until when the first call waits. */
export interface Pause {
  readonly reason: string;
  readonly untilMs: number;
}

class Waiter<W, R> implements Turn<W, R> {
  readonly wanted: W;
  readonly request: TurnRequest<W, R>;
  readonly end: (change: (taken: R) => void) => boolean;
  taken: R | undefined;
  over = false;
  refused: Error | undefined;

  constructor(wanted: W, request: TurnRequest<W, R>, end: (waiter: Waiter<W, R>, change: (taken: R) => void) => boolean) {
    this.wanted = wanted;
    this.request = request;
    this.end = (change) => end(this, change);
  }
}

const sweepAt = 64; // below it, those who left cost less than looking for them

/**
 * Serves calls in the order of asking: a big one is not overtaken by small ones. Holds one entry per waiting call, and one timer
 * for the first of them.
 */
export class TurnQueue<W, R> {
  readonly #rules: TurnRules<W, R>;
  readonly #waiters = new Fifo<Waiter<W, R>>();
  #left = 0;
  #cancelTimer: CancelTimer | undefined;
  #told: Waiter<W, R> | undefined;
  #readyAtMs = 0;
  /** As all of them were told it who wait. */
  #reason: string | undefined;
  #pumping = false;

  constructor(rules: TurnRules<W, R>) {
    this.#rules = rules;
  }

  get waiting(): number {
    return this.#waiters.size - this.#left;
  }

  /** Of the first waiter; it may be over. */
  get pause(): Pause {
    return { reason: this.#rules.reason, untilMs: this.#readyAtMs };
  }

  /** What they want who wait, the first one first. */
  *wanted(): Generator<W, void, undefined> {
    for (const { over, wanted } of this.#waiters) if (!over) yield wanted;
  }

  enter(wanted: W, request: TurnRequest<W, R>): Turn<W, R> {
    const waiter = new Waiter(wanted, request, (one: Waiter<W, R>, change) => this.#end(one, change));
    this.#waiters.push(waiter);
    if (this.#waiters.size === 1) this.pump(); // else the first one has been seen to, and nothing has changed for it
    // the first one is told by the pump
    if (waiter.taken === undefined && this.#waiters.peek() !== waiter && this.#readyAtMs > request.clock.nowMs()) {
      request.hold(this.#rules.reason, this.#readyAtMs);
    }
    return waiter;
  }

  #end(waiter: Waiter<W, R>, change: (taken: R) => void): boolean {
    if (waiter.over) return false;
    waiter.over = true;
    if (waiter.taken !== undefined) change(waiter.taken);
    else this.#leave();
    this.pump();
    return true;
  }

  /** Those who left stay in the queue until they are met, or are its greater part: leaving is O(1). */
  #leave(): void {
    this.#left += 1;
    if (this.#left < sweepAt || this.#left * 2 < this.#waiters.size) return;
    this.#waiters.sweep(({ over }) => !over);
    this.#left = 0;
  }

  /** Serves the first waiters that fit. One loop at a time: a call that ends at once comes back in here. */
  pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      this.#stopTimer();
      for (let first = this.#waiters.peek(); first; first = this.#waiters.peek()) {
        if (!first.over && !this.#serve(first)) return;
        this.#waiters.shift();
        if (first.over) this.#left -= 1;
        else if (first.refused) this.#refuse(first, first.refused);
        else first.request.granted(first);
      }
    } finally {
      this.#pumping = false;
    }
  }

  #serve(first: Waiter<W, R>): boolean {
    const { clock, hold } = first.request;
    const nowMs = clock.nowMs();
    const readyAtMs = this.#rules.readyAtMs(first.wanted, nowMs);
    if (readyAtMs <= nowMs) {
      first.taken = this.#rules.take(first.wanted, nowMs);
      return true;
    }
    const { reason } = this.#rules;
    if (this.#reason !== reason) for (const { over, request } of this.#waiters) if (!over) request.hold(reason, readyAtMs);
    if (this.#reason === reason && (this.#told !== first || this.#readyAtMs !== readyAtMs)) hold(reason, readyAtMs);
    this.#reason = reason;
    this.#told = first;
    this.#readyAtMs = readyAtMs;
    this.#cancelTimer = clock.schedule(readyAtMs - nowMs, () => {
      this.pump();
    });
    first.refused = this.#rules.blocked?.(first.wanted, nowMs);
    if (first.refused) this.#stopTimer();
    return first.refused !== undefined;
  }

  #refuse(waiter: Waiter<W, R>, error: Error): void {
    waiter.over = true;
    waiter.request.failed?.(error);
  }

  #stopTimer(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }
}
