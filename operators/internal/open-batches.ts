import type { Subscriber } from 'rxjs';
import type { CancelTimer, Clock } from '../../src/clock.ts';
import { type BatchEnvelope, runOf } from '../../src/record/envelope.ts';
import type { BatchSizing } from './batch-size.ts';
import { type BatchLimits, type BatchMember, OpenBatch } from './open-batch.ts';
import type { Guard } from './operate.ts';
import { WaitingBatches } from './waiting-batches.ts';

export interface OpenBatchesOptions<T, K> {
  readonly size: BatchSizing;
  readonly limits: BatchLimits;
  readonly maxWaitMs: number;
  readonly clock: Clock | undefined;
  readonly out: Subscriber<BatchEnvelope<T, K>>;
  readonly guard: Guard;
}

interface Waiting<T, K> {
  readonly batch: OpenBatch<T, K>;
  /** Its first value has waited long enough. */
  isDue: boolean;
  /** Ends the wait of its first value. */
  stop: CancelTimer | undefined;
}

/** The batches that have not left, by name; a name has an entry while values wait under it. */
export class OpenBatches<T, K> {
  readonly #options: OpenBatchesOptions<T, K>;
  /** Those that have left, and wait for their calls: another one would only wait behind them, and can go on growing here. */
  readonly #ahead: WaitingBatches<T, K>;
  /** The longest waiting first. */
  readonly #waiting = new Map<string, Waiting<T, K>>();

  constructor(options: OpenBatchesOptions<T, K>) {
    this.#options = options;
    this.#ahead = new WaitingBatches({ ...options, changed: () => this.#look() });
  }

  join(name: string, one: BatchMember<T, K>): void {
    const waiting = this.#waiting.get(name) ?? this.#open(name);
    if (this.#cutsLate) one.sinceMs = this.#clockOf(one).nowMs();
    waiting.batch.add(one);
    while (!this.#isHeldBack && waiting.batch.isFull && this.#waiting.get(name) === waiting) this.#send(name, waiting);
    this.#await(name, waiting);
  }

  /** Sends all that waits. */
  flushAll(): void {
    for (let next = this.#oldest(); next && !this.#options.out.closed; next = this.#oldest()) this.#send(...next);
  }

  /** Forgets all of them. If the stream goes on without them, their deadlines find their values. */
  clear(): void {
    this.#ahead.clear();
    for (const { batch, stop } of this.#waiting.values()) {
      stop?.();
      batch.clear();
    }
    this.#waiting.clear();
  }

  /** Where the size follows the calls, it is known when one can begin, not before: with all of a backlog cut already nothing could grow. */
  get #cutsLate(): boolean {
    return this.#options.size.observe !== undefined;
  }

  get #isHeldBack(): boolean {
    return this.#cutsLate && this.#ahead.any;
  }

  #open(name: string): Waiting<T, K> {
    const waiting = { batch: new OpenBatch<T, K>(this.#options.limits), isDue: false, stop: undefined };
    this.#waiting.set(name, waiting);
    return waiting;
  }

  #clockOf({ envelope }: BatchMember<T, K>): Pick<Clock, 'nowMs' | 'schedule'> {
    return this.#options.clock ?? runOf(envelope).clock;
  }

  /** Begins the wait of the first value, unless it has begun. */
  #await(name: string, waiting: Waiting<T, K>): void {
    const { first } = waiting.batch;
    if (waiting.stop || !first || this.#waiting.get(name) !== waiting) return;
    const { guard, maxWaitMs } = this.#options;
    const clock = this.#clockOf(first);
    const waitedMs = first.sinceMs === undefined ? 0 : clock.nowMs() - first.sinceMs;
    const due = (): void => {
      waiting.isDue = true;
      this.#look();
    };
    const cancelTimer = clock.schedule(Math.max(0, maxWaitMs - waitedMs), guard(due));
    const { open } = runOf(first.envelope);
    const unlisten = open.onChange(
      guard(() => {
        if (!open.mayEmit) this.#look();
      }),
    );
    waiting.stop = () => {
      cancelTimer();
      unlisten();
    };
  }

  #send(name: string, waiting: Waiting<T, K>): void {
    const { batch } = waiting;
    waiting.stop?.();
    waiting.stop = undefined;
    waiting.isDue = false;
    this.#waiting.delete(name); // before it leaves: a synchronous consumer may push into us again
    const ready = batch.take();
    if (batch.first) this.#waiting.set(name, waiting); // behind the others
    this.#await(name, waiting);
    if (ready[0]) this.#ahead.send(ready, this.#clockOf(ready[0]));
  }

  #look(): void {
    for (let next = this.#next(); next; next = this.#next()) this.#send(...next);
  }

  #next(): [string, Waiting<T, K>] | undefined {
    if (this.#ahead.any) return undefined; // it looks again when that has changed
    for (const [name, waiting] of this.#waiting) if (waiting.isDue || waiting.batch.isFull) return [name, waiting];
    return this.#nothingMoreCan ? this.#oldest() : undefined;
  }

  #oldest(): [string, Waiting<T, K>] | undefined {
    for (const entry of this.#waiting) return entry;
    return undefined;
  }

  /** Whether the source can send no other record this way until one of those that wait here is settled. */
  get #nothingMoreCan(): boolean {
    const { first } = this.#oldest()?.[1].batch ?? {};
    if (!first) return false;
    const { open } = runOf(first.envelope);
    if (open.mayEmit) return false;
    let depth = 0;
    let claims = 0;
    for (const { batch } of this.#waiting.values())
      for (const { handle } of batch.members) {
        depth = Math.max(depth, handle.part.depth);
        claims += handle.part.claims;
      }
    return open.nothingMoreCan(claims, depth);
  }
}
