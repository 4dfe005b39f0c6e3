import { type OutputRecord, recordBytes } from '../../record/record.ts';

interface Pending {
  readonly record: OutputRecord;
  readonly bytes: number;
  /** It takes answers back; what was to be forgotten must not come back because the store was away for long. */
  readonly isRemoval: boolean;
}

/** What waits to be written, the newest of each key: at most so many bytes, the oldest answers go first, removals last. */
export class PendingAnswers {
  readonly #maxBytes: number;
  readonly #pending = new Map<string, Pending>(); // oldest first
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#pending.size;
  }

  /** How many had to go for it. */
  put(id: string, record: OutputRecord, isRemoval: boolean): number {
    this.#remove(id);
    this.#add(id, { record, bytes: recordBytes(record), isRemoval });
    return this.#trim();
  }

  /** Takes the oldest and what else goes to its partition, up to `maxBytes` and 1,000 records, one at least. */
  take(partitionOf: (record: OutputRecord) => number, maxBytes: number): Batch | undefined {
    const taken = new Map<string, Pending>();
    let partition: number | undefined;
    let bytes = 0;
    for (const [id, one] of this.#pending) {
      partition ??= partitionOf(one.record);
      if (partitionOf(one.record) !== partition) continue;
      if (taken.size > 0 && (bytes + one.bytes > maxBytes || taken.size === mostRecords)) break;
      bytes += one.bytes;
      taken.set(id, one);
    }
    for (const id of taken.keys()) this.#remove(id);
    return partition === undefined ? undefined : { partition, taken };
  }

  /** What could not be written waits again, in its old place, unless something newer of its key has come. How many had to go for it. */
  giveBack({ taken }: Batch): number {
    const newer = [...this.#pending];
    this.#pending.clear();
    this.#bytes = 0;
    for (const [id, one] of taken) this.#add(id, one);
    for (const [id, one] of newer) {
      this.#remove(id);
      this.#add(id, one);
    }
    return this.#trim();
  }

  #trim(): number {
    let gone = 0;
    for (const removals of [false, true]) {
      if (this.#bytes <= this.#maxBytes) break;
      for (const [id, { isRemoval }] of this.#pending) {
        if (this.#bytes <= this.#maxBytes) break;
        if (isRemoval !== removals) continue;
        this.#remove(id);
        gone += 1;
      }
    }
    return gone;
  }

  #add(id: string, one: Pending): void {
    this.#pending.set(id, one);
    this.#bytes += one.bytes;
  }

  #remove(id: string): void {
    this.#bytes -= this.#pending.get(id)?.bytes ?? 0;
    this.#pending.delete(id);
  }
}

const mostRecords = 1_000;

/** Records of one partition that are on their way. */
export interface Batch {
  readonly partition: number;
  readonly taken: ReadonlyMap<string, Pending>;
}
