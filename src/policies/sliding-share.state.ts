import { Fifo } from '../fifo.ts';

interface Bucket {
  readonly firstMs: number;
  calls: number;
  marked: number;
}

const bucketsPerWindow = 20; // bounds the memory; a call counts up to 5 % of the window longer than that

/** How many calls of the last window were of one kind. Holds about 20 sums. */
export class SlidingShare {
  readonly #windowMs: number;
  readonly #bucketMs: number;
  readonly #buckets = new Fifo<Bucket>();
  #newest: Bucket | undefined;
  #calls = 0;
  #marked = 0;

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
    this.#bucketMs = windowMs / bucketsPerWindow;
  }

  count(isMarked: boolean, nowMs: number): void {
    this.#expire(nowMs);
    if (!this.#newest || nowMs - this.#newest.firstMs >= this.#bucketMs) {
      this.#newest = { firstMs: nowMs, calls: 0, marked: 0 };
      this.#buckets.push(this.#newest);
    }
    this.#newest.calls += 1;
    this.#calls += 1;
    if (!isMarked) return;
    this.#newest.marked += 1;
    this.#marked += 1;
  }

  /** `share` is 0 where there were no calls. */
  look(nowMs: number): { readonly calls: number; readonly marked: number; readonly share: number } {
    this.#expire(nowMs);
    return { calls: this.#calls, marked: this.#marked, share: this.#calls === 0 ? 0 : this.#marked / this.#calls };
  }

  /** The earliest time at which one that counts may not count any more; undefined where none counts. */
  nextMs(nowMs: number): number | undefined {
    this.#expire(nowMs);
    const oldest = this.#buckets.peek();
    return oldest && oldest.firstMs + this.#windowMs + this.#bucketMs;
  }

  clear(): void {
    this.#buckets.drain();
    this.#newest = undefined;
    this.#calls = 0;
    this.#marked = 0;
  }

  // A bucket goes when its last moment is a window ago, so nothing counts too short.
  #expire(nowMs: number): void {
    const before = nowMs - this.#windowMs - this.#bucketMs;
    for (let oldest = this.#buckets.peek(); oldest && oldest.firstMs <= before; oldest = this.#buckets.peek()) {
      this.#buckets.shift();
      this.#calls -= oldest.calls;
      this.#marked -= oldest.marked;
    }
  }
}
