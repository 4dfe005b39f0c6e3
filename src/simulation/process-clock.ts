import type { CancelTimer, Clock } from '../clock.ts';

/** The time of one process, which can be stopped, and which knows how many timers are set. */
export class ProcessClock implements Clock {
  readonly #clock: Clock;
  readonly #live = new Set<object>();
  /** What has come in while the process stood still, in order. */
  readonly #waiting: (() => void)[] = [];
  #untilMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get timers(): number {
    return this.#live.size;
  }

  nowMs(): number {
    return this.#clock.nowMs();
  }

  schedule(delayMs: number, callback: () => void): CancelTimer {
    const timer = {};
    this.#live.add(timer);
    let cancel: CancelTimer = () => undefined;
    const ring = (): void => {
      const leftMs = this.#untilMs - this.nowMs();
      if (leftMs > 0) {
        cancel = this.#clock.schedule(leftMs, ring);
        return;
      }
      this.#live.delete(timer);
      callback();
    };
    cancel = this.#clock.schedule(delayMs, ring);
    return () => {
      this.#live.delete(timer);
      cancel();
    };
  }

  /** Lets the process stand still, as SIGSTOP does: its timers ring, and what comes in is heard, when it goes on. */
  pause(ms: number): void {
    this.#untilMs = Math.max(this.#untilMs, this.nowMs() + ms);
  }

  /** Something comes in from outside: it is heard at once, or when the process goes on, in the order it came. */
  hear(task: () => void): void {
    const leftMs = this.#untilMs - this.nowMs();
    if (leftMs <= 0 && this.#waiting.length === 0) {
      task();
      return;
    }
    this.#waiting.push(task);
    if (this.#waiting.length === 1) this.#clock.schedule(Math.max(0, leftMs), this.#next);
  }

  /** Resolves at once, or when the process goes on: an answer from outside is seen no earlier. */
  async awake(): Promise<void> {
    if (this.#untilMs <= this.nowMs() && this.#waiting.length === 0) return;
    await new Promise<void>((resolve) => {
      this.hear(resolve);
    });
  }

  readonly #next = (): void => {
    const leftMs = this.#untilMs - this.nowMs();
    if (leftMs > 0) {
      this.#clock.schedule(leftMs, this.#next);
      return;
    }
    this.#waiting.shift()?.();
    if (this.#waiting.length > 0) this.#clock.schedule(0, this.#next);
  };
}
