import { abortReason, atMost, type Clock } from '../clock.ts';
import { isAbortError } from '../errors.ts';
import type { Closers } from './closers.ts';

const patienceMs = 3_000;

/**
 * What a start opens, one thing after another, until it has all or is given up. Given up: whoever waits for something is told
 * at once, those that were handed the signal get 3 s to end, and what is open later all the same is closed then.
 */
export class Opening {
  readonly #clock: Clock;
  readonly #closers: Closers;
  readonly #controller = new AbortController();
  readonly #asked: Promise<unknown>[] = [];
  readonly #givenUp = Promise.withResolvers<never>();
  #reason: unknown;

  constructor(clock: Clock, closers: Closers) {
    this.#clock = clock;
    this.#closers = closers;
    this.#givenUp.promise.catch(() => undefined); // before anybody waits for it
  }

  /** Aborted when the start is given up. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Why it was given up: the first reason. */
  get reason(): unknown {
    return this.#reason;
  }

  /** The start ends here. Idempotent. */
  giveUp(reason: unknown): void {
    if (this.signal.aborted) return;
    this.#reason = reason;
    this.#controller.abort(isAbortError(reason) ? reason : new DOMException('the start is given up', 'AbortError'));
    this.#givenUp.reject(abortReason(this.signal));
  }

  /** What opens, to be closed by `close` when all ends. Rejects at once when the start is given up. */
  hold<T>(opening: Promise<T>, close: (opened: T) => Promise<void> | void): Promise<T> {
    return this.unlessGivenUp(
      opening.then((opened) => {
        this.#closers.add(() => close(opened));
        return opened;
      }),
    );
  }

  /** The same for what was handed the signal. */
  holdAsked<T>(opening: Promise<T>, close: (opened: T) => Promise<void> | void): Promise<T> {
    this.#asked.push(opening);
    return this.hold(opening, close);
  }

  unlessGivenUp<T>(work: Promise<T>): Promise<T> {
    return Promise.race([this.#givenUp.promise, work]);
  }

  /** Resolves when those that were handed the signal have ended, or 3 s later. */
  ended(): Promise<void> {
    return atMost(this.#clock, patienceMs, Promise.allSettled(this.#asked));
  }
}
