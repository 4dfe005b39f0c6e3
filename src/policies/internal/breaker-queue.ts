import { telling } from '../../classify.ts';
import type { CancelTimer, Clock } from '../../clock.ts';
import { BreakerOpenError, messageOf } from '../../errors.ts';
import { Fifo } from '../../fifo.ts';
import { retryAfterOf } from '../../retry-after.ts';
import type { BreakerPass, BreakerState } from '../circuit-breaker.state.ts';

/** One call that wants to run. */
export interface BreakerRequest {
  readonly clock: Clock;
  /** From 0 up to 1. */
  readonly random: () => number;
  /** Runs when the call may, perhaps before `enter` returns, at most once. */
  granted(run: BreakerRun): void;
  /** It may not run now. False: it does not wait. Told again when the time has moved; what is returned then does not count. */
  waits(open: BreakerOpenError, untilMs: number): boolean;
}

/** A call that runs. The first that is told of its end counts. */
export interface BreakerRun {
  succeeded(): void;
  /** The result says that the breaker is open, and is to be thrown in place of `error` where somebody waits for it to close. */
  failed(error: unknown): BreakerOpenError | undefined;
  /** It was aborted. */
  left(): void;
}

export interface BreakerQueueOptions {
  /** Calls that have waited begin spread over so many ms after it closed. */
  readonly recoveryMs: number;
  /** What is heeded at most of what the other side asks for. */
  readonly maxPauseMs: number;
  readonly isFailure: (error: unknown) => boolean;
}

interface Waiter {
  readonly request: BreakerRequest;
  over: boolean;
  /** Its turn, once it is set. */
  cancelTurn: CancelTimer | undefined;
}

const sweepAt = 64; // below it, those who left cost less than looking for them

/** The thin shell of a breaker: who waits, the timer of the next probe, and the turns after it closed. */
export class BreakerQueue {
  readonly #state: BreakerState;
  readonly #options: BreakerQueueOptions;
  readonly #waiters = new Fifo<Waiter>();
  #left = 0;
  #turns = 0;
  #cancelProbe: CancelTimer | undefined;
  #why: unknown;
  opened = 0;

  constructor(state: BreakerState, options: BreakerQueueOptions) {
    this.#state = state;
    this.#options = options;
  }

  get waiting(): number {
    return this.#waiters.size - this.#left + this.#turns;
  }

  enter(request: BreakerRequest): () => void {
    const waiter: Waiter = { request, over: false, cancelTurn: undefined };
    this.#admit(waiter);
    return () => {
      this.#leave(waiter);
    };
  }

  #admit(waiter: Waiter): void {
    const { request } = waiter;
    const nowMs = request.clock.nowMs();
    const pass = this.#state.enter(nowMs);
    if (pass) {
      waiter.over = true;
      request.granted(this.#run(pass, request));
    } else if (request.waits(this.#openError(nowMs), this.#state.untilMs)) {
      this.#waiters.push(waiter);
      this.#look(nowMs);
    } else waiter.over = true;
  }

  #run(pass: BreakerPass, { clock, random }: BreakerRequest): BreakerRun {
    let over = false;
    const end = (tell: (nowMs: number) => void): number => {
      const nowMs = clock.nowMs();
      if (over) return nowMs;
      over = true;
      tell(nowMs);
      this.#look(nowMs);
      return nowMs;
    };
    const left = (): void => {
      this.#state.left(pass);
    };
    return {
      succeeded: () => {
        end((nowMs) => {
          this.#state.succeeded(pass, nowMs);
        });
      },
      failed: (error) => {
        if (!this.#options.isFailure(error)) {
          end(left);
          return undefined;
        }
        const nowMs = end((now) => {
          this.#failed(pass, error, now, random());
        });
        return this.#state.phase(nowMs) === 'closed' ? undefined : this.#openError(nowMs, error);
      },
      left: () => {
        end(left);
      },
    };
  }

  #failed(pass: BreakerPass, error: unknown, nowMs: number, random: number): void {
    const untilMs = this.#state.untilMs;
    this.#state.failed(pass, { nowMs, random, retryAfterMs: retryAfterOf(telling(error), nowMs, this.#options.maxPauseMs) ?? 0 });
    if (this.#state.untilMs === untilMs) return;
    this.opened += 1;
    this.#why = error;
    for (const { over, request } of this.#waiters) if (!over) request.waits(this.#openError(nowMs), this.#state.untilMs);
  }

  /** Sees to those who wait, after whatever has changed. */
  #look(nowMs: number): void {
    const phase = this.#state.phase(nowMs);
    if (phase !== 'open') this.#stopProbe();
    if (phase === 'closed') this.#spread();
    else if (phase === 'open') this.#probeLater(nowMs);
    else this.#probe(nowMs);
  }

  #probe(nowMs: number): void {
    for (let first = this.#first(); first && this.#state.phase(nowMs) === 'half-open'; first = this.#first()) {
      const pass = this.#state.enter(nowMs);
      if (!pass) return;
      this.#waiters.shift();
      first.over = true;
      first.request.granted(this.#run(pass, first.request));
    }
  }

  #probeLater(nowMs: number): void {
    const first = this.#first();
    this.#stopProbe();
    if (!first) return;
    const { clock } = first.request;
    this.#cancelProbe = clock.schedule(Math.max(0, this.#state.untilMs - nowMs), () => {
      this.#look(clock.nowMs());
    });
  }

  #stopProbe(): void {
    this.#cancelProbe?.();
    this.#cancelProbe = undefined;
  }

  /** It has closed: one turn each, evenly over the time, and by chance within its part of it. At once they would be a herd. */
  #spread(): void {
    const waiting = this.#waiters.drain().filter(({ over }) => !over);
    this.#left = 0;
    this.#turns += waiting.length;
    const partMs = this.#options.recoveryMs / waiting.length;
    for (const [i, waiter] of waiting.entries()) {
      const { clock, random } = waiter.request;
      waiter.cancelTurn = clock.schedule((i + random()) * partMs, () => {
        waiter.cancelTurn = undefined;
        this.#turns -= 1;
        this.#admit(waiter);
      });
    }
  }

  #leave(waiter: Waiter): void {
    if (waiter.over) return;
    waiter.over = true;
    if (waiter.cancelTurn) {
      waiter.cancelTurn();
      this.#turns -= 1;
      return;
    }
    const { clock } = waiter.request;
    const isFirst = this.#waiters.peek() === waiter;
    this.#left += 1;
    if (this.#left >= sweepAt && this.#left * 2 >= this.#waiters.size) {
      this.#waiters.sweep(({ over }) => !over);
      this.#left = 0;
    }
    if (isFirst) this.#look(clock.nowMs()); // the timer was set by its clock
  }

  #first(): Waiter | undefined {
    while (this.#waiters.peek()?.over === true) {
      this.#waiters.shift();
      this.#left -= 1;
    }
    return this.#waiters.peek();
  }

  #openError(nowMs: number, cause: unknown = this.#why): BreakerOpenError {
    const retryAfterMs = Math.max(0, this.#state.untilMs - nowMs);
    return new BreakerOpenError(`the circuit breaker is open, because calls failed; the last one: ${messageOf(cause)}`, {
      cause,
      retryAfterMs,
    });
  }
}
