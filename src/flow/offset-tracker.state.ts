const compactAt = 1024;

/**
 * Knows which delivered offsets of one partition are settled, and from where on the log must be read again.
 *
 * Invariant: the watermark never passes an unsettled record, whatever the order of settling. Only offsets that were
 * delivered count: logs have gaps (compaction, transaction markers), so nothing is ever derived by adding 1 to a neighbour.
 * Holds one entry per record between the watermark and the last delivery.
 *
 * @see Parallel Consumer's offset vocabulary.
 */
export class OffsetTracker {
  /** Offsets of tickets `#base`, `#base + 1`, …; settled ones at the front are cut off. */
  #offsets: bigint[] = [];
  #settled: boolean[] = [];
  #head = 0;
  #base = 0;
  #watermark: bigint;
  #settledBeyond = 0;

  /** @param start where delivery begins: what a commit would say if nothing were settled. */
  constructor(start: bigint) {
    this.#watermark = start;
  }

  /** The next offset to read after a restart: what a commit may say. */
  get watermark(): bigint {
    return this.#watermark;
  }

  /** Delivered and not settled. */
  get unsettled(): number {
    return this.#offsets.length - this.#head - this.#settledBeyond;
  }

  /** Settled, but above the watermark because an earlier record is not. */
  get settledBeyond(): number {
    return this.#settledBeyond;
  }

  /**
   * A record was delivered; the ticket settles it.
   * @throws RangeError when offsets do not grow: a transport broke its protocol.
   */
  deliver(offset: bigint): number {
    const last = this.#offsets.at(-1);
    if (last === undefined || this.#head === this.#offsets.length ? offset < this.#watermark : offset <= last) {
      throw new RangeError(`offset ${String(offset)} was delivered after ${String(last ?? this.#watermark)}`);
    }
    this.#offsets.push(offset);
    this.#settled.push(false);
    return this.#base + this.#offsets.length - 1;
  }

  /** Settles one delivered record; true when the watermark moved. Settling twice is a bug and throws. */
  settle(ticket: number): boolean {
    const at = ticket - this.#base;
    if (at < this.#head || this.#settled[at] !== false) throw new RangeError(`ticket ${String(ticket)} was settled twice, or never given out`);
    this.#settled[at] = true;
    this.#settledBeyond += 1;
    if (at !== this.#head) return false;
    while (this.#settled[this.#head] === true) {
      const offset = this.#offsets[this.#head];
      if (offset !== undefined) this.#watermark = offset + 1n;
      this.#head += 1;
      this.#settledBeyond -= 1;
    }
    this.#compact();
    return true;
  }

  #compact(): void {
    if (this.#head < compactAt || this.#head * 2 < this.#offsets.length) return;
    this.#offsets = this.#offsets.slice(this.#head);
    this.#settled = this.#settled.slice(this.#head);
    this.#base += this.#head;
    this.#head = 0;
  }
}
