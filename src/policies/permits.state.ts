import { Fifo } from '../fifo.ts';

const sweepAt = 64; // below it, those who left cost less than looking for them

/** Who holds a permit and who waits for one, first come first served. Each waiter is an object of its own. */
export class PermitsState<W extends object> {
  /** May change at any time; what is above a lower one is not taken away, it is not given again. After a higher one ask `next`. */
  limit: number;
  readonly #waiting = new Fifo<W>();
  // Those who left stay in the queue until they are met, or are its greater part: leaving is O(1).
  readonly #left = new Set<W>();
  #used = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  get used(): number {
    return this.#used;
  }

  get waiting(): number {
    return this.#waiting.size - this.#left.size;
  }

  /** True: the permit is the waiter's. False: it waits until `next` names it. */
  request(waiter: W): boolean {
    if (this.#used < this.limit) {
      this.#used += 1;
      return true;
    }
    this.#waiting.push(waiter);
    return false;
  }

  /** Takes a permit back; ask `next` who has it now. */
  release(): void {
    this.#used -= 1;
  }

  /** Who has a permit from now on; undefined when nobody waits or none is free. */
  next(): W | undefined {
    if (this.#used >= this.limit) return undefined;
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
      if (this.#left.delete(next)) continue;
      this.#used += 1;
      return next;
    }
    return undefined;
  }

  /** A waiter goes without its permit. */
  leave(waiter: W): void {
    this.#left.add(waiter);
    if (this.#left.size < sweepAt || this.#left.size * 2 < this.#waiting.size) return;
    this.#waiting.sweep((one) => !this.#left.has(one));
    this.#left.clear();
  }
}
