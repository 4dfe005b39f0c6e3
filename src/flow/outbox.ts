import { type Clock, sleep } from '../clock.ts';
import { isStreamError, messageOf } from '../errors.ts';
import { Fifo } from '../fifo.ts';
import { formatPartition, type OutputPosition, type OutputRecord, recordBytes } from '../record/record.ts';
import type { Producer } from '../transport/transport.ts';
import { Backoff } from './backoff.state.ts';
import { maxBytesASend, maxRecordsASend } from './send-batches.ts';

/** A record on its way to one partition, and who waits for it. */
export interface Outgoing {
  readonly record: OutputRecord;
  /** False when nobody waits any more (its source record was given back): it is not sent then. */
  wanted(): boolean;
  sent(at: OutputPosition): void;
  /** The broker will never take this record, whoever tries. Everything else is waited out. */
  refused(error: Error): void;
}

export interface OutboxOptions {
  readonly producer: Producer;
  readonly clock: Clock;
  /** Told when sending fails and is tried again, and (undefined) when it works again. */
  readonly trouble: (why: string | undefined) => void;
  /** Sending is not allowed: no other try will do before a person has acted. What waits keeps waiting until it is stopped. */
  readonly denied: (error: Error) => void;
  /** Bytes that wait or are under way, over all outboxes of a sink; `freed` is told when they have become fewer. */
  readonly held: { bytes: number; freed: () => void };
}

/**
 * One output partition: sends what it is given in order, one send at a time, and again until the broker has taken it.
 * A send that is refused for what is in it is cut in two until the record at fault stands alone.
 * Holds what the source's window lets through.
 */
export class Outbox {
  readonly topic: string;
  readonly partition: number;
  readonly #options: OutboxOptions;
  readonly #queue = new Fifo<Outgoing>();
  readonly #backoff = new Backoff(50, 5_000);
  /** That wait or are under way here. */
  #bytes = 0;
  #sending = false;
  readonly #stopping = new AbortController();

  constructor(topic: string, partition: number, options: OutboxOptions) {
    this.topic = topic;
    this.partition = partition;
    this.#options = options;
  }

  push(outgoing: Outgoing): void {
    if (this.#isStopped) return;
    this.#hold(recordBytes(outgoing.record));
    this.#queue.push(outgoing);
    if (this.#sending) return;
    this.#sending = true;
    queueMicrotask(() => void this.#sendAll()); // after the burst that this record belongs to, so that it travels whole
  }

  get #isStopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  /** Sends nothing more; what waits or is under way is not told. */
  stop(): void {
    this.#stopping.abort();
    this.#queue.drain();
    this.#hold(-this.#bytes); // an answer that is still to come is nobody's any more
    this.#options.held.freed();
  }

  async #sendAll(): Promise<void> {
    for (let batch = this.#next(); batch.length > 0; batch = this.#next()) await this.#sendUntilTaken(batch);
    this.#sending = false;
  }

  #next(): Outgoing[] {
    const batch: Outgoing[] = [];
    let bytes = 0;
    for (let head = this.#queue.peek(); head && batch.length < maxRecordsASend; head = this.#queue.peek()) {
      const size = recordBytes(head.record);
      if (batch.length > 0 && bytes + size > maxBytesASend) break;
      this.#queue.shift();
      if (!head.wanted()) {
        this.#letGo([head]);
        continue;
      }
      bytes += size;
      batch.push(head);
    }
    return batch;
  }

  async #sendUntilTaken(batch: readonly Outgoing[]): Promise<void> {
    for (let left = batch; left.length > 0; left = this.#stillWanted(left)) {
      let base: bigint;
      try {
        base = await this.#options.producer.send(
          this.topic,
          this.partition,
          left.map(({ record }) => record),
        );
      } catch (error) {
        if (isStreamError(error) && error.grade === 'record') {
          await this.#cut(left, error);
          return;
        }
        if (this.#isStopped) continue;
        if (isStreamError(error) && error.code === 'authentication_failed') this.#options.denied(error);
        this.#options.trouble(`sending to ${formatPartition(this)} fails and is tried again: ${messageOf(error)}`);
        await sleep(this.#options.clock, this.#backoff.failed(), this.#stopping.signal).catch(() => undefined);
        continue;
      }
      this.#recovered();
      for (const [i, outgoing] of left.entries()) outgoing.sent({ topic: this.topic, partition: this.partition, offset: base + BigInt(i) });
      this.#letGo(left);
      return;
    }
  }

  async #cut(batch: readonly Outgoing[], error: Error): Promise<void> {
    const [first] = batch;
    if (this.#isStopped) return;
    if (batch.length > 1) {
      const middle = batch.length >> 1;
      await this.#sendUntilTaken(batch.slice(0, middle));
      await this.#sendUntilTaken(batch.slice(middle));
    } else if (first) {
      first.refused(error);
      this.#letGo(batch);
    }
  }

  // What was given back while the broker was away must not be written behind the back of who owns it now.
  #stillWanted(batch: readonly Outgoing[]): readonly Outgoing[] {
    const wanted = (one: Outgoing): boolean => !this.#isStopped && one.wanted();
    this.#letGo(batch.filter((one) => !wanted(one)));
    return batch.filter(wanted);
  }

  // Told apart from `sent`: what nobody waits for any more makes room, too, and the source may wait for nothing else.
  #letGo(batch: readonly Outgoing[]): void {
    if (batch.length === 0 || this.#isStopped) return;
    for (const { record } of batch) this.#hold(-recordBytes(record));
    this.#options.held.freed();
  }

  #hold(bytes: number): void {
    this.#bytes += bytes;
    this.#options.held.bytes += bytes;
  }

  #recovered(): void {
    if (this.#backoff.failures > 0) this.#options.trouble(undefined);
    this.#backoff.succeeded();
  }
}
