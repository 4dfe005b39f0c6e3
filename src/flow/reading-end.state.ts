/** What there was of one partition when a reading began. */
export interface Extent {
  readonly partition: number;
  readonly low: bigint;
  /** Next offset to be written. */
  readonly high: bigint;
}

/**
 * Whether the partitions of a topic were read up to where they ended when the reading began. The last offsets of a partition
 * may never be delivered (they end transactions, or belong to aborted ones); so where nothing has come for `quietMs`, that was
 * all. Holds two numbers per partition.
 */
export class ReadingEnd {
  readonly #ends: ReadonlyMap<number, bigint>;
  readonly #next = new Map<number, bigint>();
  readonly #quietMs: number;
  #sinceMs: number;

  constructor(extents: readonly Extent[], quietMs: number, nowMs: number) {
    this.#ends = new Map(extents.map(({ partition, high }) => [partition, high]));
    for (const { partition, low } of extents) this.#next.set(partition, low);
    this.#quietMs = quietMs;
    this.#sinceMs = nowMs;
  }

  /** Whether it was there when the reading began. */
  includes(partition: number, offset: bigint): boolean {
    return offset < (this.#ends.get(partition) ?? 0n);
  }

  /** From here on the partition is not read yet. */
  reached(partition: number, next: bigint, nowMs: number): void {
    this.#next.set(partition, next);
    this.woke(nowMs);
  }

  /** Something keeps the reading from going on, or it is at work: the quiet begins anew. */
  woke(nowMs: number): void {
    this.#sinceMs = nowMs;
  }

  isRead(partition: number): boolean {
    return (this.#next.get(partition) ?? 0n) >= (this.#ends.get(partition) ?? 0n);
  }

  /** Offsets that were not read, in these partitions or all; records are as many or fewer. */
  unread(partitions: Iterable<number> = this.#ends.keys()): bigint {
    let sum = 0n;
    for (const one of partitions) if (!this.isRead(one)) sum += (this.#ends.get(one) ?? 0n) - (this.#next.get(one) ?? 0n);
    return sum;
  }

  isQuiet(nowMs: number): boolean {
    return nowMs - this.#sinceMs >= this.#quietMs;
  }

  isOver(nowMs: number): boolean {
    return this.unread() === 0n || this.isQuiet(nowMs);
  }
}
