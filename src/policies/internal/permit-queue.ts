import { type Clock, systemClock } from '../../clock.ts';
import { Fifo } from '../../fifo.ts';
import { PermitsState } from '../permits.state.ts';
import type { CallOutcome, Release } from '../call-outcome.ts';
import { LastMinute } from './last-minute.state.ts';

/** A call that had a permit and has ended. */
export interface EndedCall<B> {
  /** What `begin` gave it. */
  readonly begun: B;
  readonly outcome: CallOutcome;
  readonly startedMs: number;
  readonly nowMs: number;
  /** Calls that ran until now, this one included. */
  readonly running: number;
}

export interface PermitRules<B> {
  limit(): number;
  /** A call has got its permit. */
  begin(): B;
  /** The limit may change here. */
  end(call: EndedCall<B>): void;
}

interface Waiter<B> {
  readonly clock: Clock;
  readonly askedMs: number;
  readonly grant: () => void;
  state: 'waiting' | 'granted' | 'over';
  startedMs: number;
  begun: B | undefined;
}

/** The thin shell of a limit: who waits, first come first served, and how long that took. */
export class PermitQueue<B> {
  readonly recent = new LastMinute();
  readonly #rules: PermitRules<B>;
  readonly #state: PermitsState<Waiter<B>>;
  readonly #ready = new Fifo<Waiter<B>>();
  #granting = false;

  constructor(rules: PermitRules<B>) {
    this.#rules = rules;
    this.#state = new PermitsState(rules.limit());
  }

  get used(): number {
    return this.#state.used;
  }

  get waiting(): number {
    return this.#state.waiting;
  }

  acquire(granted: (release: Release) => void, clock: Clock = systemClock): Release {
    const release: Release = (outcome = { end: 'aborted' }) => {
      const { state: before } = waiter;
      waiter.state = 'over';
      if (before === 'granted') this.#end(waiter, outcome);
      else if (before === 'waiting') this.#state.leave(waiter);
    };
    const waiter: Waiter<B> = {
      clock,
      askedMs: clock.nowMs(),
      grant: () => {
        if (waiter.state !== 'over') granted(release); // it may have left since the permit became its own
      },
      state: 'waiting',
      startedMs: 0,
      begun: undefined,
    };
    if (this.#state.request(waiter)) {
      this.#begin(waiter);
      granted(release);
    }
    return release;
  }

  #begin(waiter: Waiter<B>): void {
    const nowMs = waiter.clock.nowMs();
    waiter.state = 'granted';
    waiter.startedMs = nowMs;
    waiter.begun = this.#rules.begin();
    this.recent.use(this.used, nowMs);
    this.recent.waited(nowMs - waiter.askedMs, nowMs);
  }

  #end({ begun, startedMs, clock }: Waiter<B>, outcome: CallOutcome): void {
    const nowMs = clock.nowMs();
    this.#rules.end({ begun: begun as B, outcome, startedMs, nowMs, running: this.used });
    this.#state.limit = this.#rules.limit();
    this.#state.release();
    this.recent.use(this.used, nowMs);
    for (let next = this.#state.next(); next; next = this.#state.next()) {
      this.#begin(next);
      this.#ready.push(next);
    }
    this.#grant();
  }

  /** One loop at a time: calls that end at once must not pile up on the stack. */
  #grant(): void {
    if (this.#granting) return;
    this.#granting = true;
    try {
      for (let next = this.#ready.shift(); next; next = this.#ready.shift()) next.grant();
    } finally {
      this.#granting = false;
    }
  }
}
