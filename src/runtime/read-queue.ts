import { classify } from '../classify.ts';
import type { CancelTimer, Clock } from '../clock.ts';
import { isRetryable, messageOf } from '../errors.ts';
import { Fifo } from '../fifo.ts';
import { Backoff } from '../flow/backoff.state.ts';
import type { PendingOf } from '../flow/codec-waits.ts';
import { formatPartition, type SourceRecord } from '../record/record.ts';
import type { Consumer, Fetch, OwnedPartition } from '../transport/transport.ts';

export interface ReadQueueOptions {
  readonly clock: Clock;
  /** What reading a record needs that is not here yet. */
  readonly pending: PendingOf;
  /** Takes a record that can be read, or whose codec will never read it, for the reason given. */
  readonly take: (from: OwnedPartition, record: SourceRecord, refusal: Error | undefined) => void;
  /** Told when a partition waits for long. */
  readonly waits: (from: OwnedPartition) => void;
}

interface Queue {
  from: OwnedPartition;
  readonly records: Fifo<SourceRecord>;
  readonly backoff: Backoff;
  isPaused: boolean;
  cancel: CancelTimer;
  cancelTold: CancelTimer;
}

const toldAfterMs = 2_000;

/**
 * Records that were fetched and wait for one whose codec waits, each partition for itself; it is paused meanwhile, so that a queue holds two fetches at most. What
 * can be read passes straight through.
 */
export class ReadQueue {
  readonly #options: ReadQueueOptions;
  readonly #queues = new Map<string, Queue>();
  #consumer: Pick<Consumer, 'pause' | 'resume'> | undefined;
  #isOver = false;

  constructor(options: ReadQueueOptions) {
    this.#options = options;
  }

  attach(consumer: Pick<Consumer, 'pause' | 'resume'>): void {
    this.#consumer = consumer;
    const waiting = [...this.#queues.values()].map(({ from }) => from);
    if (waiting.length > 0) consumer.pause(waiting);
  }

  offer({ topic, partition, epoch }: Pick<Fetch, 'topic' | 'partition' | 'epoch'>, records: readonly SourceRecord[]): void {
    if (this.#isOver) return;
    const from = { topic, partition, epoch };
    const waiting = this.#queues.get(formatPartition(from));
    if (waiting) {
      for (const record of records) waiting.records.push(record);
      waiting.from = from;
      this.#consumer?.pause([from]); // a new epoch begins resumed
      return;
    }
    const none = (): void => undefined;
    const fetched = new Fifo<SourceRecord>();
    for (const record of records) fetched.push(record);
    this.#goOn({ from, records: fetched, backoff: new Backoff(100, 5_000), isPaused: false, cancel: none, cancelTold: none });
  }

  stop(): void {
    this.#isOver = true;
    for (const queue of this.#queues.values()) {
      queue.cancel();
      queue.cancelTold();
    }
    this.#queues.clear();
  }

  #goOn(queue: Queue): void {
    const { pending, take } = this.#options;
    for (let record = queue.records.peek(); record && !this.#isOver; record = queue.records.peek()) {
      let needed: Promise<unknown> | undefined;
      try {
        needed = record.undecodable ? undefined : pending(queue.from.topic, record);
      } catch (error) {
        needed = Promise.reject(error instanceof Error ? error : new Error(messageOf(error)));
      }
      if (needed !== undefined) {
        this.#wait(queue, needed);
        return;
      }
      queue.records.shift();
      queue.backoff.succeeded();
      take(queue.from, record, undefined);
    }
    this.#end(queue);
  }

  #wait(queue: Queue, needed: Promise<unknown>): void {
    const { clock, take, waits } = this.#options;
    if (!queue.isPaused) {
      queue.isPaused = true;
      this.#queues.set(formatPartition(queue.from), queue);
      this.#consumer?.pause([queue.from]);
      queue.cancelTold = clock.schedule(toldAfterMs, () => {
        waits(queue.from);
      });
    }
    const again = (): void => {
      const waitMs = queue.backoff.failed();
      if (queue.backoff.failures === 1) this.#goOn(queue);
      else queue.cancel = clock.schedule(waitMs, () => this.#goOn(queue));
    };
    needed.then(again, (error: unknown) => {
      if (this.#isOver) return;
      if (isRetryable(classify(error))) {
        queue.backoff.failed(); // not at once
        again();
        return;
      }
      const record = queue.records.shift();
      if (record) take(queue.from, record, error instanceof Error ? error : new Error(messageOf(error)));
      this.#goOn(queue);
    });
  }

  #end(queue: Queue): void {
    queue.cancelTold();
    if (!queue.isPaused || this.#isOver) return;
    queue.isPaused = false;
    this.#queues.delete(formatPartition(queue.from));
    this.#consumer?.resume([queue.from]);
  }
}
