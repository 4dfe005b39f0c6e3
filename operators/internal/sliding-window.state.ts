import { Fifo } from '../../src/fifo.ts';

/** What one value more brings about. */
export interface Slide<M> {
  /** The window that is full with it. */
  readonly window?: readonly M[];
  /** No window to come holds these; a window that leaves now may. */
  readonly gone: readonly M[];
}

/**
 * The last `size` values, every `step` of them. Holds `size` values. A value costs the same however many came before it:
 * a window is copied once, so size / step copies for each.
 */
export class SlidingWindow<M> {
  readonly #size: number;
  readonly #step: number;
  readonly #isLive: (member: M) => boolean;
  readonly #held = new Fifo<M>();
  /** Values to come that stand between two windows, where `step` is more than `size`. */
  #skip = 0;

  constructor(size: number, step: number, isLive: (member: M) => boolean) {
    this.#size = size;
    this.#step = step;
    this.#isLive = isLive;
  }

  push(member: M): Slide<M> {
    if (this.#skip > 0) {
      this.#skip -= 1;
      return { gone: [member] };
    }
    this.#held.push(member);
    if (this.#held.size >= this.#size) this.#held.sweep(this.#isLive); // a window is full of values that somebody waits for
    if (this.#held.size < this.#size) return { gone: [] };
    const window = [...this.#held];
    const gone: M[] = [];
    for (let i = 0; i < Math.min(this.#step, this.#size); i += 1) gone.push(this.#held.shift() as M);
    this.#skip = Math.max(0, this.#step - this.#size);
    return { window, gone };
  }

  /** The last values, which are not gone. */
  get held(): Iterable<M> {
    return this.#held;
  }
}
