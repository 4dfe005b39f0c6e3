import type { CancelTimer, Clock } from '../clock.ts';

const mostMs = 50; // a twentieth of the shortest session, and long against the millisecond that a break costs

export interface LoopBreakOptions {
  readonly clock: Clock;
  /** The break is over. */
  readonly goOn: () => void;
}

/**
 * Interrupts a synchronous loop every 50 ms: heartbeats, timers and whoever asks how it is must have their turn, however long a
 * pipeline computes for each record. In virtual time, which stands still meanwhile, nothing is interrupted.
 */
export class LoopBreak {
  readonly #options: LoopBreakOptions;
  #untilMs = Number.POSITIVE_INFINITY;
  #cancel: CancelTimer | undefined;

  constructor(options: LoopBreakOptions) {
    this.#options = options;
  }

  /** A loop begins. */
  begin(): void {
    if (this.#cancel === undefined) this.#untilMs = this.#options.clock.nowMs() + mostMs;
  }

  /** Whether it has to stop; `goOn` is called when it may begin again. */
  isDue(): boolean {
    const { clock, goOn } = this.#options;
    if (this.#cancel !== undefined) return true;
    if (clock.nowMs() < this.#untilMs) return false;
    this.#cancel = clock.schedule(0, () => {
      this.#cancel = undefined;
      goOn();
    });
    return true;
  }

  stop(): void {
    this.#cancel?.();
  }
}
