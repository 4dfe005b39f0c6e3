import type { OffsetRange } from './completed-map.state.ts';

const compactAt = 1024;

/** What a commit says of a partition. */
export interface Standing {
  readonly watermark: bigint;
  /** Ascending, above the watermark, not touching each other. */
  readonly completed: readonly OffsetRange[];
}

/**
 * Knows which delivered offsets of one partition are settled, and from where on the log must be read again.
 *
 * Invariant: the watermark never passes an unsettled record, whatever the order of settling. Only offsets that were
 * delivered count: logs have gaps (compaction, transaction markers), so nothing is ever derived by adding 1 to a neighbour.
 * Holds one entry per record between the watermark and the last delivery, with an item for each that is not settled.
 *
 * @see Parallel Consumer's offset vocabulary.
 */
export class OffsetTracker<T> {
  /** Offsets of tickets `#base`, `#base + 1`, …; settled ones at the front are cut off. */
  #offsets: bigint[] = [];
  /** What was delivered; undefined once it is settled. */
  #items: (T | undefined)[] = [];
  #head = 0;
  #base = 0;
  #watermark: bigint;
  #settledBeyond = 0;
  #changes = 0;
  /** Nothing below is still to be delivered. */
  #passed: bigint;

  /** @param start where delivery begins: what a commit would say if nothing were settled. */
  constructor(start: bigint) {
    this.#watermark = start;
    this.#passed = start;
  }

  /** The next offset to read after a restart: what a commit may say. */
  get watermark(): bigint {
    return this.#watermark;
  }

  /** Delivered and not settled. */
  get unsettled(): number {
    return this.#offsets.length - this.#head - this.#settledBeyond;
  }

  /** Delivered records above the watermark, settled or not. */
  get aboveWatermark(): number {
    return this.#offsets.length - this.#head;
  }

  /** Settled, but above the watermark because an earlier record is not. */
  get settledBeyond(): number {
    return this.#settledBeyond;
  }

  /** Grows with every record that is settled, and every move over offsets without records: whether there is something to store. */
  get changes(): number {
    return this.#changes;
  }

  /**
   * A record was delivered, and `item` is kept for it; the ticket settles it.
   * @throws RangeError when offsets do not grow: a transport broke its protocol.
   */
  deliver(offset: bigint, item: T): number {
    const last = this.#offsets.at(-1);
    if (last === undefined || this.#head === this.#offsets.length ? offset < this.#watermark : offset <= last) {
      throw new RangeError(`offset ${String(offset)} was delivered after ${String(last ?? this.#watermark)}`);
    }
    this.#offsets.push(offset);
    this.#items.push(item);
    return this.#base + this.#offsets.length - 1;
  }

  /** A record was delivered that is done already; true when the watermark moved. */
  deliverDone(offset: bigint, item: T): boolean {
    return this.settle(this.deliver(offset, item));
  }

  /** Settles one delivered record; true when the watermark moved. Settling twice is a bug and throws. */
  settle(ticket: number): boolean {
    const at = ticket - this.#base;
    if (at < this.#head || this.#items[at] === undefined)
      throw new RangeError(`ticket ${String(ticket)} was settled twice, or never given out`);
    this.#items[at] = undefined;
    this.#settledBeyond += 1;
    this.#changes += 1;
    if (at !== this.#head) return false;
    while (this.#head < this.#items.length && this.#items[this.#head] === undefined) {
      const offset = this.#offsets[this.#head];
      if (offset !== undefined) this.#watermark = offset + 1n;
      this.#head += 1;
      this.#settledBeyond -= 1;
    }
    if (this.#head === this.#items.length && this.#passed > this.#watermark) this.#watermark = this.#passed;
    this.#compact();
    return true;
  }

  /**
   * What lies below `next` was delivered, or is no record: once all that was delivered is settled, the watermark stands there.
   * True when it moved just now.
   */
  pass(next: bigint): boolean {
    if (next > this.#passed) this.#passed = next;
    if (this.#head < this.#items.length || this.#passed <= this.#watermark) return false;
    this.#watermark = this.#passed;
    this.#changes += 1;
    return true;
  }

  /** The first item that is not settled: what the watermark waits for. */
  get firstOpen(): T | undefined {
    return this.#items[this.#head];
  }

  /** The items that are not settled, in the order of delivery. */
  open(): readonly T[] {
    return this.#items.slice(this.#head).filter((item) => item !== undefined);
  }

  /**
   * The watermark and the settled offsets above it; with `also` how they will stand when these tickets are settled, too. What
   * the log left out between two settled offsets is counted with them: it can never be delivered.
   */
  standing(also?: ReadonlySet<number>): Standing {
    const isSettled = (at: number): boolean => this.#items[at] === undefined || also?.has(this.#base + at) === true;
    let watermark = this.#watermark;
    let at = this.#head;
    let left = this.#settledBeyond + (also?.size ?? 0);
    for (; left > 0 && at < this.#items.length && isSettled(at); at += 1) {
      watermark = (this.#offsets[at] ?? watermark) + 1n;
      left -= 1;
    }
    if (at === this.#items.length && this.#passed > watermark) watermark = this.#passed;
    const completed: { from: bigint; to: bigint }[] = [];
    let run: { from: bigint; to: bigint } | undefined;
    for (; left > 0 && at < this.#items.length; at += 1) {
      const offset = this.#offsets[at] ?? 0n;
      if (!isSettled(at)) run = undefined;
      else {
        left -= 1;
        if (run) run.to = offset + 1n;
        else completed.push((run = { from: offset, to: offset + 1n }));
      }
    }
    return { watermark, completed };
  }

  #compact(): void {
    if (this.#head < compactAt || this.#head * 2 < this.#offsets.length) return;
    this.#offsets = this.#offsets.slice(this.#head);
    this.#items = this.#items.slice(this.#head);
    this.#base += this.#head;
    this.#head = 0;
  }
}
