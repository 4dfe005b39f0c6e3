import { type OutputRecord, recordBytes, type RecordHeaders, type SourceRecord } from '../../record/record.ts';

const copy = (bytes: Uint8Array | null): Uint8Array | null => (bytes === null ? null : new Uint8Array(bytes));
const copyHeaders = (headers: RecordHeaders): RecordHeaders => headers.map(([name, value]) => [name, copy(value)]);

// Bytes are copied on the way in and on the way out, as a network would: nobody can change what is stored.
const copyRecord = (record: SourceRecord): SourceRecord => ({
  ...record,
  key: copy(record.key),
  value: copy(record.value),
  headers: copyHeaders(record.headers),
});

const idleHead = 1024; // entries that may stay behind before the array is cut: makes dropping O(1) in the mean

/**
 * The log of one partition: appends at the end, forgets at the beginning, reads in between. Holds at most
 * `retentionBytes` (as `recordBytes` counts them), or one record if that alone is larger; the oldest go first, read or not.
 *
 * Reads end at the last stable offset: the first one of a transaction that is open. Of an aborted transaction nothing is
 * kept but the gap. Besides the records this holds one number for each record of an open transaction.
 */
export class PartitionLog {
  readonly #retentionBytes: number;
  #records: SourceRecord[] = [];
  /** Entries before it are forgotten. */
  #head = 0;
  #bytes = 0;
  #low = 0n;
  #high = 0n;
  /** Offsets of the records of open transactions; the transaction that began first stands first. */
  readonly #open = new Map<number, bigint[]>();

  constructor(retentionBytes: number) {
    this.#retentionBytes = retentionBytes;
  }

  /** First offset kept. */
  get low(): bigint {
    return this.#low;
  }

  /** Next offset to be written. */
  get high(): bigint {
    return this.#high;
  }

  /** Where reads end. */
  get lastStable(): bigint {
    const [[first] = []] = this.#open.values();
    if (first === undefined) return this.#high;
    return first > this.#low ? first : this.#low;
  }

  /** Offset of the last record that can be read. */
  get lastReadable(): bigint | undefined {
    const end = this.#open.size === 0 ? this.#records.length : this.#find(this.lastStable);
    return end > this.#head ? this.#records[end - 1]?.offset : undefined;
  }

  /**
   * Returns the offset of the first, or the next one where there are no records. Those of a transaction cannot be read
   * until it was committed.
   */
  append(records: readonly OutputRecord[], nowMs: number, transaction?: number): bigint {
    const base = this.#high;
    if (transaction !== undefined && records.length > 0) this.#join(transaction, base, records.length);
    for (const { key, value, headers, timestampMs = nowMs } of records) {
      this.#push({
        offset: this.#high,
        timestampMs: Math.trunc(timestampMs),
        key: copy(key),
        value: copy(value),
        headers: copyHeaders(headers),
      });
    }
    this.#retain();
    return base;
  }

  /** Ends a transaction that has written here. Its marker takes an offset. */
  end(transaction: number, committed: boolean): void {
    const offsets = this.#open.get(transaction);
    if (!offsets) return;
    this.#open.delete(transaction);
    if (!committed) this.#takeAway(offsets);
    this.#high += 1n;
  }

  /** Leaves offsets without records, as foreign markers at the end of a log do. */
  skip(offsets: number): void {
    this.#high += BigInt(offsets);
  }

  /** A range of offsets whose bytes no client can read; it is stored as one record at its last offset. */
  appendUndecodable(offsets: number, reason: string, bytes: number, nowMs: number): void {
    const firstOffset = this.#high;
    this.#high += BigInt(offsets - 1);
    this.#push({
      offset: this.#high,
      timestampMs: Math.trunc(nowMs),
      key: null,
      value: null,
      headers: [],
      undecodable: { firstOffset, reason, bytes },
    });
  }

  /** Takes single records away and leaves gaps, as compaction does; like it, it leaves alone what cannot be read yet. */
  compact(keep: (record: SourceRecord) => boolean): void {
    const { lastStable } = this;
    this.#records = this.#records.slice(this.#head).filter((record) => record.offset >= lastStable || keep(record));
    this.#head = 0;
    this.#bytes = this.#records.reduce((sum, record) => sum + recordBytes(record), 0);
  }

  /** Forgets everything before an offset. */
  truncate(before: bigint): void {
    this.#low = before > this.#high ? this.#high : before > this.#low ? before : this.#low;
    for (let first = this.#records[this.#head]; first && first.offset < this.#low; first = this.#records[this.#head]) this.#forget(first);
  }

  /**
   * Consecutive records from an offset on, and where to read next. At least one where there is one, whatever its size;
   * then no more than the bounds allow.
   */
  read(from: bigint, maxBytes: number, maxRecords: number): { readonly records: readonly SourceRecord[]; readonly next: bigint } {
    const records: SourceRecord[] = [];
    const { lastStable } = this;
    const end = this.#open.size === 0 ? this.#records.length : this.#find(lastStable);
    let bytes = 0;
    for (let at = this.#find(from); at < end && records.length < maxRecords; at += 1) {
      const record = this.#records[at];
      if (!record) break;
      bytes += recordBytes(record);
      if (records.length > 0 && bytes > maxBytes) return { records, next: record.offset };
      records.push(copyRecord(record));
    }
    const last = records.at(-1);
    return { records, next: last && records.length === maxRecords ? last.offset + 1n : from > lastStable ? from : lastStable };
  }

  #join(transaction: number, base: bigint, count: number): void {
    const offsets = Array.from({ length: count }, (_, index) => base + BigInt(index));
    const known = this.#open.get(transaction);
    if (known) for (const offset of offsets) known.push(offset);
    else this.#open.set(transaction, offsets);
  }

  #takeAway(offsets: readonly bigint[]): void {
    const [first] = offsets;
    if (first === undefined) return;
    const gone = new Set(offsets);
    const tail = this.#records.splice(this.#find(first));
    for (const record of tail) {
      if (gone.has(record.offset)) this.#bytes -= recordBytes(record);
      else this.#records.push(record);
    }
  }

  #push(record: SourceRecord): void {
    this.#records.push(record);
    this.#bytes += recordBytes(record);
    this.#high = record.offset + 1n;
  }

  #retain(): void {
    while (this.#bytes > this.#retentionBytes && this.#records.length - this.#head > 1) {
      const first = this.#records[this.#head];
      if (!first) return;
      this.#forget(first);
      this.#low = this.#records[this.#head]?.offset ?? this.#high;
    }
  }

  #forget(first: SourceRecord): void {
    this.#bytes -= recordBytes(first);
    this.#head += 1;
    if (this.#head < idleHead || this.#head * 2 < this.#records.length) return;
    this.#records = this.#records.slice(this.#head);
    this.#head = 0;
  }

  #find(offset: bigint): number {
    let low = this.#head;
    let high = this.#records.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const record = this.#records[middle];
      if (record && record.offset < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
