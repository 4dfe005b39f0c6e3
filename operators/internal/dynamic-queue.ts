import type { Subscriber } from 'rxjs';
import type { CancelTimer, Clock } from '../../src/clock.ts';
import { type BatchEnvelope, type Envelope, runOf } from '../../src/record/envelope.ts';
import type { Handle } from '../../src/record/handle.ts';
import { formatPartition } from '../../src/record/record.ts';
import type { BatchSizing } from './batch-size.ts';
import { DynamicBatches, type Situation } from './dynamic-batches.state.ts';
import type { LengthBucket } from './length-buckets.ts';
import type { Guard } from './operate.ts';
import { WaitingBatches } from './waiting-batches.ts';

export interface DynamicQueueOptions<T, K> {
  readonly size: BatchSizing;
  readonly preferredSizes: readonly number[];
  readonly maxQueueDelayMs: number;
  readonly within: 'pipeline' | 'partition';
  readonly clock: Clock | undefined;
  readonly out: Subscriber<BatchEnvelope<T, K>>;
  readonly guard: Guard;
}

interface Queued<T, K> {
  readonly envelope: Envelope<T, K>;
  readonly handle: Handle;
}

/** Values on their way into batches, and the batches that have left and wait for their calls. */
export class DynamicQueue<T, K> {
  readonly #options: DynamicQueueOptions<T, K>;
  readonly #batches: DynamicBatches<Queued<T, K>>;
  readonly #ahead: WaitingBatches<T, K>;
  #stopTimer: CancelTimer | undefined;
  #unlisten: (() => void) | undefined;
  #isOver = false;
  /** The deepest of those that wait. */
  #depth = 0;

  constructor(options: DynamicQueueOptions<T, K>) {
    this.#options = options;
    this.#ahead = new WaitingBatches({ ...options, changed: () => this.#look() });
    this.#batches = new DynamicBatches({
      ...options,
      cutsLate: options.size.observe !== undefined,
      isLive: ({ handle }) => handle.part.live,
    });
  }

  join({ upTo, maxSize = Infinity }: LengthBucket, one: Queued<T, K>): void {
    const { within } = this.#options;
    const { part } = one.handle;
    part.at('queued');
    this.#depth = Math.max(this.#depth, part.depth);
    const name = within === 'partition' ? `${String(upTo)} ${formatPartition(one.envelope.position)}` : String(upTo);
    const ready = this.#batches.join(name, one, maxSize, this.#situation(one, false));
    if (ready) this.#leave(ready);
    this.#wait(one);
  }

  /** Sends all that waits. */
  flush(): void {
    const { size, out } = this.#options;
    for (let ready = this.#batches.flush(size.limit); ready && !out.closed; ready = this.#batches.flush(size.limit)) this.#leave(ready);
  }

  /** Forgets all of them. If the stream goes on without them, their deadlines find their values. */
  clear(): void {
    this.#isOver = true;
    this.#rest();
    this.#ahead.clear();
    for (const { handle } of this.#batches.members()) handle.part.at('flowing');
    this.#batches.clear();
  }

  #situation(one: Queued<T, K>, isIdle: boolean): Situation {
    return { nowMs: this.#clock(one).nowMs(), isBusy: this.#ahead.any, isIdle, maxSize: this.#options.size.limit };
  }

  #clock({ envelope }: Queued<T, K>): Pick<Clock, 'nowMs' | 'schedule'> {
    return this.#options.clock ?? runOf(envelope).clock;
  }

  #leave(ready: readonly Queued<T, K>[]): void {
    const [first] = ready;
    if (first) this.#ahead.send(ready, this.#clock(first));
  }

  /** Watches the time and the source while values wait. */
  #wait(one: Queued<T, K>): void {
    if (this.#isOver) return;
    if (this.#batches.size === 0) {
      this.#rest();
      return;
    }
    const { guard } = this.#options;
    const { open } = runOf(one.envelope);
    this.#unlisten ??= open.onChange(
      guard(() => {
        if (!open.mayEmit) this.#look();
      }),
    );
    const clock = this.#clock(one);
    this.#stopTimer ??= clock.schedule(
      Math.max(0, this.#batches.dueMs - clock.nowMs()),
      guard(() => {
        this.#stopTimer = undefined;
        this.#look();
      }),
    );
  }

  #rest(): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    this.#unlisten?.();
    this.#unlisten = undefined;
    this.#depth = 0;
  }

  #look(): void {
    if (this.#isOver || this.#ahead.any) return; // it looks again when that has changed
    for (let one = this.#first(); one; one = this.#first()) {
      const ready = this.#batches.next(this.#situation(one, this.#isIdle(one)));
      if (!ready) {
        this.#wait(one);
        return;
      }
      this.#leave(ready);
    }
    this.#rest();
  }

  #first(): Queued<T, K> | undefined {
    for (const one of this.#batches.members()) return one;
    return undefined;
  }

  /** Whether nothing can join those that wait. The exact count is taken only where the quick one does not exclude it. */
  #isIdle({ envelope }: Queued<T, K>): boolean {
    const { open } = runOf(envelope);
    const most = this.#batches.size;
    if (!open.nothingMoreCan(most, this.#depth)) return false;
    this.#batches.sweep();
    return this.#batches.size === most || open.nothingMoreCan(this.#batches.size, this.#depth);
  }
}
