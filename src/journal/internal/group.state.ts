import { Fifo } from '../../fifo.ts';

export interface GroupBounds {
  /** The longest that a line waits for company before its write may begin. */
  readonly maxDelayMs: number;
  /** Bytes of one write; a line that is longer goes alone. */
  readonly maxGroupBytes: number;
  /** Bytes that may wait; one line more than that is let in. */
  readonly maxPendingBytes: number;
}

/**
 * Which appends are written together: they wait for the write that runs, then for as much company as there was last time (those who were just told come again), and no longer than a
 * bound. Who is alone waits for nobody. One write at a time.
 */
export class GroupState {
  readonly #bounds: GroupBounds;
  readonly #waiting = new Fifo<{ readonly bytes: number; readonly atMs: number }>();
  #bytes = 0;
  #isWriting = false;
  #isHurried = false;
  #lastCount = 1;
  #endedMs = Number.NEGATIVE_INFINITY;

  constructor(bounds: GroupBounds) {
    this.#bounds = bounds;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  get waitingBytes(): number {
    return this.#bytes;
  }

  get isWriting(): boolean {
    return this.#isWriting;
  }

  get hasRoom(): boolean {
    return this.#bytes < this.#bounds.maxPendingBytes;
  }

  add(bytes: number, nowMs: number): void {
    this.#waiting.push({ bytes, atMs: nowMs });
    this.#bytes += bytes;
  }

  /** Nothing waits for company any more. */
  hurry(): void {
    this.#isHurried = true;
  }

  /** When the next write is to begin; undefined while one runs, or where nothing waits. */
  dueMs(): number | undefined {
    const first = this.#waiting.peek();
    if (this.#isWriting || !first) return undefined;
    const isFull = this.#bytes >= Math.min(this.#bounds.maxGroupBytes, this.#bounds.maxPendingBytes);
    return isFull || this.#isHurried || this.#waiting.size >= this.#lastCount
      ? first.atMs
      : Math.max(first.atMs, this.#endedMs) + this.#bounds.maxDelayMs;
  }

  /** A write begins. @returns of how many of those that wait, the oldest first. */
  begin(): number {
    let count = 0;
    let bytes = 0;
    for (let next = this.#waiting.peek(); next; next = this.#waiting.peek()) {
      if (count > 0 && bytes + next.bytes > this.#bounds.maxGroupBytes) break;
      count += 1;
      bytes += next.bytes;
      this.#waiting.shift();
    }
    this.#bytes -= bytes;
    this.#lastCount = count;
    this.#isWriting = true;
    return count;
  }

  /** From then on those who were told may come again: who came meanwhile waits for them. */
  end(nowMs: number): void {
    this.#endedMs = nowMs;
    this.#isWriting = false;
  }
}
