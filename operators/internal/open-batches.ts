import type { CancelTimer } from '../../src/clock.ts';
import { type BatchLimits, type BatchMember, nothingMoreCanJoin, OpenBatch } from './open-batch.ts';

export interface OpenBatchesOptions<T, K> {
  readonly limits: BatchLimits;
  /** Begins the wait of a batch's first value; the result ends it. */
  readonly wait: (first: BatchMember<T, K>, flush: () => void) => CancelTimer;
  /** Takes the members of a batch that leaves. */
  readonly leave: (ready: readonly BatchMember<T, K>[]) => void;
}

interface Waiting<T, K> {
  readonly batch: OpenBatch<T, K>;
  /** Ends the wait of its first value. */
  stop: CancelTimer | undefined;
}

/** The batches that have not left, by name; a name has an entry while values wait under it. */
export class OpenBatches<T, K> {
  readonly #options: OpenBatchesOptions<T, K>;
  readonly #waiting = new Map<string, Waiting<T, K>>();

  constructor(options: OpenBatchesOptions<T, K>) {
    this.#options = options;
  }

  /** Whether nothing can join any of them until one of their records is settled. */
  get nothingMoreCan(): boolean {
    return nothingMoreCanJoin([...this.#waiting.values()].map(({ batch }) => batch));
  }

  join(name: string, one: BatchMember<T, K>): void {
    const before = this.#waiting.get(name)?.batch;
    if (before?.isTooFullFor(one)) before.keepLive();
    if (before?.isTooFullFor(one)) this.#flush(name);
    const waiting = this.#waiting.get(name) ?? this.#open(name);
    const { batch } = waiting;
    batch.add(one);
    if (batch.isFull) batch.keepLive();
    if (batch.isFull) this.#flush(name);
    else waiting.stop ??= this.#options.wait(one, () => this.#flush(name));
  }

  #open(name: string): Waiting<T, K> {
    const waiting = { batch: new OpenBatch<T, K>(this.#options.limits), stop: undefined };
    this.#waiting.set(name, waiting);
    return waiting;
  }

  flushAll(): void {
    for (const name of [...this.#waiting.keys()]) this.#flush(name);
  }

  /** Forgets all of them. If the stream goes on without them, their deadlines find their values. */
  clear(): void {
    for (const { batch, stop } of this.#waiting.values()) {
      stop?.();
      batch.clear();
    }
    this.#waiting.clear();
  }

  #flush(name: string): void {
    const waiting = this.#waiting.get(name);
    if (!waiting) return;
    this.#waiting.delete(name); // before it leaves: a synchronous consumer may push into us again
    waiting.stop?.();
    waiting.batch.keepLive();
    const ready = waiting.batch.takeAll();
    if (ready.length > 0) this.#options.leave(ready);
  }
}
