import type { Clock } from '../../clock.ts';
import { OptionError } from '../../errors.ts';
import type { OpenContext } from '../../resource.ts';

export interface MemoryWatchOptions {
  readonly processes: number;
  /** Undefined: nothing is looked at. */
  readonly maxMemoryBytes: number | undefined;
  readonly clock: Clock;
  /** What a process takes; undefined where it does not say. */
  readonly ask: (index: number) => Promise<number | undefined>;
  /** It takes too much. */
  readonly leave: (index: number) => void;
  readonly log: OpenContext['log'];
}

const lookEveryMs = 1_000;
/** One that comes to its bound so soon again is not helped by being replaced. */
const renewEveryMs = 60_000;

/** Finds processes that take too much memory, one at a time, so that the others go on. Holds when each was replaced. */
export class MemoryWatch {
  readonly #options: MemoryWatchOptions;
  readonly #leftAtMs = new Map<number, number>();
  #lookedAtMs = -Infinity;
  #next = 0;

  constructor(options: MemoryWatchOptions) {
    this.#options = options;
  }

  /** @throws OptionError where the model alone takes more than a process may. */
  async requireEnough(): Promise<void> {
    const { maxMemoryBytes = Infinity, processes, ask } = this.#options;
    if (maxMemoryBytes === Infinity) return;
    const taken = await Promise.all(Array.from({ length: processes }, (_, index) => ask(index)));
    const most = Math.max(0, ...taken.map((bytes = 0) => bytes));
    if (most >= maxMemoryBytes)
      throw new OptionError(
        `llama.maxMemoryBytes must be above what a process takes when it has done nothing, ${String(most)} here, got ${String(maxMemoryBytes)}`,
      );
  }

  /** Something was done: asks one process after the other, once a second at most. */
  look(): void {
    const { maxMemoryBytes = Infinity, clock, processes } = this.#options;
    const nowMs = clock.nowMs();
    if (maxMemoryBytes === Infinity || nowMs - this.#lookedAtMs < lookEveryMs / processes) return;
    this.#lookedAtMs = nowMs;
    void this.#look(this.#next, maxMemoryBytes);
    this.#next = (this.#next + 1) % processes;
  }

  async #look(index: number, maxMemoryBytes: number): Promise<void> {
    const { ask, leave, clock, log } = this.#options;
    const bytes = (await ask(index)) ?? 0;
    const nowMs = clock.nowMs();
    if (bytes <= maxMemoryBytes || nowMs - (this.#leftAtMs.get(index) ?? -Infinity) < renewEveryMs) return;
    this.#leftAtMs.set(index, nowMs);
    log('warn', 'a model process takes more memory than it may: it is replaced when it has finished what it has', {
      bytes,
      maxMemoryBytes,
    });
    leave(index);
  }
}
