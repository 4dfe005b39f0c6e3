import { Fifo } from '../../src/fifo.ts';

export interface DynamicRules<M> {
  /** Sizes at which a batch leaves at once, ascending. */
  readonly preferredSizes: readonly number[];
  readonly maxQueueDelayMs: number;
  /** Full batches wait for a call to begin, too: their size is known then, not before. */
  readonly cutsLate?: boolean;
  /** False once nobody waits for it any more. */
  readonly isLive: (member: M) => boolean;
}

/** How things stand downstream and upstream. */
export interface Situation {
  readonly nowMs: number;
  /** A batch waits for a call to begin: another one would only wait behind it, and can go on growing here. */
  readonly isBusy: boolean;
  /** Nothing can come until one of those that wait here has gone. */
  readonly isIdle: boolean;
  /** Values allowed in a batch of any bucket. @defaultValue no limit */
  readonly maxSize?: number;
}

interface Waiting<M> {
  readonly member: M;
  readonly sinceMs: number;
}

interface Bucket<M> {
  /** Values allowed in one of its batches, where that is less than in others. */
  readonly maxSize: number;
  readonly queue: Fifo<Waiting<M>>;
}

/** Values that wait for company, by bucket; a bucket has an entry while values wait in it, at most `maxSize` unless they are cut late. */
export class DynamicBatches<M> {
  readonly #rules: DynamicRules<M>;
  readonly #buckets = new Map<string, Bucket<M>>();
  #size = 0;

  constructor(rules: DynamicRules<M>) {
    this.#rules = rules;
  }

  /** Values that wait, those included that nobody waits for any more. */
  get size(): number {
    return this.#size;
  }

  /** When the first of them has waited long enough; Infinity when none waits. */
  get dueMs(): number {
    let sinceMs = Number.POSITIVE_INFINITY;
    for (const { queue } of this.#buckets.values()) sinceMs = Math.min(sinceMs, sinceOf(queue));
    return sinceMs + this.#rules.maxQueueDelayMs;
  }

  /** One value more, for the bucket of that name, whose batches have at most `maxSize`; what leaves by that, if anything. */
  join(name: string, member: M, maxSize: number, situation: Situation): readonly M[] | undefined {
    const bucket = this.#buckets.get(name) ?? { maxSize, queue: new Fifo<Waiting<M>>() };
    this.#buckets.set(name, bucket);
    bucket.queue.push({ member, sinceMs: situation.nowMs });
    this.#size += 1;
    return this.#leave(name, bucket, situation);
  }

  /** What leaves now, the longest waiting first; ask again until there is nothing. Costs a look at each bucket. */
  next(situation: Situation): readonly M[] | undefined {
    const oldestFirst = [...this.#buckets].sort(([, a], [, b]) => sinceOf(a.queue) - sinceOf(b.queue));
    for (const [name, bucket] of oldestFirst) {
      const ready = this.#leave(name, bucket, situation);
      if (ready) return ready;
    }
    return undefined;
  }

  /** Takes out what is left, the longest waiting first; undefined when nothing is. */
  flush(maxSize = Infinity): readonly M[] | undefined {
    return this.next({ nowMs: Number.POSITIVE_INFINITY, isBusy: false, isIdle: true, maxSize });
  }

  /** All that wait, bucket by bucket. */
  *members(): Generator<M, void, undefined> {
    for (const { queue } of this.#buckets.values()) for (const { member } of queue) yield member;
  }

  /** Forgets those that nobody waits for any more. */
  sweep(): void {
    for (const [name, bucket] of this.#buckets) this.#sweep(name, bucket);
  }

  /** Forgets all. */
  clear(): void {
    this.#buckets.clear();
    this.#size = 0;
  }

  #leave(name: string, bucket: Bucket<M>, situation: Situation): readonly M[] | undefined {
    const most = this.#count(bucket, situation);
    if (most === 0) return undefined;
    if (bucket.queue.size <= 2 * most) this.#sweep(name, bucket); // a batch is full of values that somebody waits for; of many more there are enough
    const ready: M[] = [];
    for (const count = this.#count(bucket, situation); ready.length < count && bucket.queue.size > 0; ) {
      const { member } = bucket.queue.shift() as Waiting<M>;
      if (this.#rules.isLive(member)) ready.push(member);
      this.#size -= 1;
    }
    if (bucket.queue.size === 0) this.#buckets.delete(name);
    return ready.length > 0 ? ready : undefined;
  }

  /** How many of a bucket leave now. */
  #count({ queue, maxSize: ofBucket }: Bucket<M>, { nowMs, isBusy, isIdle, maxSize: ofAll = Infinity }: Situation): number {
    const { size } = queue;
    const { preferredSizes, maxQueueDelayMs, cutsLate = false } = this.#rules;
    const maxSize = Math.min(ofBucket, ofAll);
    if (isBusy && cutsLate) return 0;
    if (size >= maxSize) return maxSize;
    if (isBusy || size === 0) return 0;
    if (isIdle || nowMs - sinceOf(queue) >= maxQueueDelayMs) return size;
    return preferredSizes.findLast((preferred) => preferred <= size) ?? 0;
  }

  #sweep(name: string, { queue }: Bucket<M>): void {
    const before = queue.size;
    queue.sweep(({ member }) => this.#rules.isLive(member));
    this.#size -= before - queue.size;
    if (queue.size === 0) this.#buckets.delete(name);
  }
}

const sinceOf = (queue: Fifo<Waiting<unknown>>): number => queue.peek()?.sinceMs ?? Number.POSITIVE_INFINITY;
