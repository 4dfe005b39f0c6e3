import type { Observable, Subscription } from 'rxjs';
import { sleep, systemClock } from '../../../src/clock.ts';

/** Hears a call, and notes what no call may do. */
export class Listener<T> {
  readonly values: T[] = [];
  readonly breaches: string[] = [];
  end: 'running' | 'completed' | 'failed' | 'left' = 'running';
  error: unknown;
  /** Resolves with the end; fails when that does not come in time. */
  readonly over: Promise<void>;
  /** Resolves with the first value, or the end. */
  readonly begun: Promise<void>;
  readonly #subscription: Subscription;
  readonly #over = Promise.withResolvers<undefined>();

  constructor(call: Observable<T>, withinMs: number) {
    const begun = Promise.withResolvers<undefined>();
    const intime = async (waited: Promise<undefined>, what: string): Promise<void> => {
      const timer = new AbortController();
      const late = sleep(systemClock, withinMs, timer.signal).then(() => {
        throw new Error(
          `expected ${what} of a call within ${String(withinMs)} ms, got ${String(this.values.length)} values and nothing more`,
        );
      });
      late.catch(() => undefined);
      try {
        await Promise.race([waited, late]);
      } finally {
        timer.abort();
      }
    };
    this.begun = intime(begun.promise, 'a value');
    this.over = intime(this.#over.promise, 'the end');
    this.begun.catch(() => undefined);
    this.over.catch(() => undefined);
    const ended = (how: 'completed' | 'failed'): void => {
      if (this.end !== 'running') this.breaches.push(`a call that had ${this.end} has ${how}`);
      else this.end = how;
      begun.resolve(undefined);
      this.#over.resolve(undefined);
    };
    // plain functions, not a Subscriber of RxJS, would see more; what RxJS lets through is what callers see
    this.#subscription = call.subscribe({
      next: (value) => {
        if (this.end !== 'running') this.breaches.push(`a value has come after a call had ${this.end}`);
        this.values.push(value);
        begun.resolve(undefined);
      },
      error: (error: unknown) => {
        this.error = error;
        ended('failed');
      },
      complete: () => {
        ended('completed');
      },
    });
  }

  /** Unsubscribes. */
  leave(): void {
    if (this.end === 'running') this.end = 'left';
    this.#subscription.unsubscribe();
    this.#over.resolve(undefined);
  }
}
