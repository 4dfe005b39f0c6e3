const binMs = 100;
const binsPerSecond = 10;

/** So much in the stretch of 100 ms that begins at `bin` times that. */
export type Marks = ReadonlyMap<number, number>;

export const binOf = (atMs: number): number => Math.max(0, Math.floor(atMs / binMs));

/**
 * The best second of a run: the ten stretches of 100 ms one after the other with most in them. What a task brought is added when it has ended, which may be `longestMs` later;
 * so it holds a counter for each stretch of that time.
 */
export class PeakRate {
  readonly #bins: Float64Array;
  /** All before it are settled. */
  #from = 0;
  #window = 0;
  #peak = 0;

  constructor(longestMs: number) {
    this.#bins = new Float64Array(binOf(longestMs) + 4 * binsPerSecond);
  }

  /** @param nowMs from the start of the run, and never less than before */
  add(marks: Marks, nowMs: number, times = 1): void {
    this.#settle(binOf(nowMs) - (this.#bins.length - 2 * binsPerSecond));
    for (const [bin, count] of marks) {
      const at = Math.max(bin, this.#from); // later than promised: in the first stretch that is left
      this.#bins[at % this.#bins.length] = (this.#bins[at % this.#bins.length] ?? 0) + count * times;
    }
  }

  /** Of all that was added. Ends it: what is added later counts for stretches that are left. */
  peak(): number {
    this.#settle(this.#from + this.#bins.length);
    return this.#peak;
  }

  /** `until` bins are final: the window of a second slides over them. The second behind the window is kept, to leave it. */
  #settle(until: number): void {
    const length = this.#bins.length;
    for (; this.#from < until; this.#from += 1) {
      const leaving = (this.#from - binsPerSecond + length) % length;
      if (this.#from >= binsPerSecond) {
        this.#window -= this.#bins[leaving] ?? 0;
        this.#bins[leaving] = 0;
      }
      this.#window += this.#bins[this.#from % length] ?? 0;
      this.#peak = Math.max(this.#peak, this.#window);
    }
  }
}
