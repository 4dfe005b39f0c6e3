import { Fifo } from '../../src/fifo.ts';

export interface DynamicRules<M> {
  /** Sizes at which a batch leaves at once, ascending. */
  readonly preferredSizes: readonly number[];
  readonly maxQueueDelayMs: number;
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
}

interface Waiting<M> {
  readonly member: M;
  readonly sinceMs: number;
}

interface Bucket<M> {
  /** As it was when the last value came. */
  maxSize: number;
  readonly queue: Fifo<Waiting<M>>;
}

/** Values that wait for company, by bucket; a bucket has an entry while values wait in it, at most `maxSize`. */
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

  /** One value more; what leaves by that, if anything. `maxSize` is that of its bucket at this moment. */
  join(name: string, member: M, maxSize: number, situation: Situation): readonly M[] | undefined {
    const bucket = this.#buckets.get(name) ?? { maxSize, queue: new Fifo<Waiting<M>>() };
    bucket.maxSize = maxSize;
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
  flush(): readonly M[] | undefined {
    return this.next({ nowMs: Number.POSITIVE_INFINITY, isBusy: false, isIdle: true });
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
    if (this.#count(bucket, situation) === 0) return undefined;
    this.#sweep(name, bucket); // a batch is full of values that somebody waits for
    const ready: M[] = [];
    for (let count = this.#count(bucket, situation); ready.length < count; ) ready.push((bucket.queue.shift() as Waiting<M>).member);
    this.#size -= ready.length;
    if (bucket.queue.size === 0) this.#buckets.delete(name);
    return ready.length > 0 ? ready : undefined;
  }

  /** How many of a bucket leave now. */
  #count({ queue, maxSize }: Bucket<M>, { nowMs, isBusy, isIdle }: Situation): number {
    const { size } = queue;
    if (size >= maxSize) return maxSize;
    if (isBusy || size === 0) return 0;
    const { preferredSizes, maxQueueDelayMs } = this.#rules;
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
