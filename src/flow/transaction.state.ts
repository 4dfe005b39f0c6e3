/** What a group has stored of one partition; undefined for nothing. */
export interface Stored {
  readonly offset: bigint;
  readonly metadata: string;
}

const isSame = (a: Stored | undefined, b: Stored | undefined): boolean => a?.offset === b?.offset && a?.metadata === b?.metadata;

/**
 * What became of a transaction whose end nobody saw, judged by what the group has stored after its writer was fenced:
 * `committed`; `aborted`, so that it has to be written again; `usurped`: somebody else has stored something, which only an owner
 * does. No two states of a partition are stored alike, because a transaction is only as large as its map can say in full.
 *
 * @param before what was stored when the transaction began
 * @param meant what it would have stored
 */
export function judge(
  found: Stored | undefined,
  before: Stored | undefined,
  meant: Stored | undefined,
): 'committed' | 'aborted' | 'usurped' {
  if (meant !== undefined && isSame(found, meant)) return 'committed';
  return isSame(found, before) ? 'aborted' : 'usurped';
}

/** Something that may go into a transaction. */
export interface Load {
  readonly records: number;
  readonly bytes: number;
  /** Whether everything that must come before it has happened. */
  readonly isReady: boolean;
}

export interface LoadCaps {
  readonly maxRecords: number;
  readonly maxBytes: number;
}

/**
 * How many of those that wait go into the next transaction: from the first on, as far as they are ready, within the caps (one
 * alone may be above them), and no more than `fits`. Where not even the first fits, all that are ready, if those do: what is done
 * right above the watermark may make the rest short. 0: wait for more.
 */
export function loadOf(waiting: readonly Load[], { maxRecords, maxBytes }: LoadCaps, fits: (count: number) => boolean): number {
  let [ready, within, records, bytes] = [0, 0, 0, 0];
  for (const one of waiting) {
    if (!one.isReady) break;
    ready += 1;
    records += one.records;
    bytes += one.bytes;
    if (ready === 1 || (records <= maxRecords && bytes <= maxBytes)) within = ready;
  }
  for (let count = within; count > 0; count >>= 1) if (fits(count)) return count;
  return ready > within && fits(ready) ? ready : 0;
}

/**
 * When the next transaction begins: when `everyRecords` wait, or when the first of them has waited for `intervalMs`; while more
 * wait than a transaction takes, one after the other. Holds two numbers.
 */
export class Pace {
  readonly #intervalMs: number;
  readonly #everyRecords: number;
  #waiting = 0;
  #sinceMs: number | undefined;

  constructor(intervalMs: number, everyRecords: number) {
    this.#intervalMs = intervalMs;
    this.#everyRecords = everyRecords;
  }

  get waiting(): number {
    return this.#waiting;
  }

  added(records: number, nowMs: number): void {
    this.#waiting += records;
    this.#sinceMs ??= nowMs;
  }

  /** A transaction with so many of them begins: those that stay have come since the last one began. */
  began(records: number, nowMs: number): void {
    this.#waiting -= records;
    this.#sinceMs = this.#waiting > 0 ? nowMs : undefined;
  }

  /** When the next one is due; undefined while nothing waits. */
  dueMs(): number | undefined {
    if (this.#sinceMs === undefined) return undefined;
    return this.#waiting >= this.#everyRecords ? this.#sinceMs : this.#sinceMs + this.#intervalMs;
  }
}
