import { randomUUID } from 'node:crypto';
import { messageOf, TransportError } from '../errors.ts';
import type { SourceRecord, TopicPartition } from '../record/record.ts';
import type { ConsumeHandlers, Consumer, Fetch, OwnedPartition, Transport } from '../transport/transport.ts';
import { expelledWhy, ReadPositions } from './read-positions.ts';

export interface ReadRecord extends SourceRecord {
  readonly topic: string;
  readonly partition: number;
}

export interface ReadOptions {
  readonly topics: readonly string[];
  readonly from: 'earliest' | 'latest';
  /** Where partitions begin for which `from` does not say it. @defaultValue none */
  readonly starts?: readonly (TopicPartition & { readonly offset: bigint })[];
  /** Most bytes of one fetch of one partition. @defaultValue the transport's */
  readonly maxFetchBytes?: number;
  readonly signal: AbortSignal;
  /** Called once, when records can arrive, with the next offset of each partition, by `topic/partition`. */
  readonly onReady?: (next: ReadonlyMap<string, bigint>) => void;
  /** Trouble that passes by itself. */
  readonly onTrouble?: (why: string) => void;
  /** Takes the records of one fetch; nothing more is asked for until it has resolved. True: enough. */
  readonly take: (records: readonly ReadRecord[]) => Promise<boolean>;
}

/**
 * Reads topics as raw records, in a group of its own, until `take` has enough or the signal aborts; when the group has given it
 * up, it goes on where it was. Holds what was fetched before the pause reaches the source: one fetch per partition.
 * @throws TransportError `unknown_topic`, or what ended the consumer
 */
export async function readTopics(transport: Transport, options: ReadOptions): Promise<void> {
  const { topics, from, maxFetchBytes, signal, onReady } = options;
  await requireTopics(transport, topics);
  const reader = new Reader(options);
  const onAbort = (): void => {
    reader.finish();
  };
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) return;
  let consumer: Consumer | undefined;
  try {
    const groupId = `millrace-reader-${randomUUID()}`;
    const beforeStart = (partitions: readonly OwnedPartition[]): Promise<void> => reader.positions.restore(partitions);
    const asked = { groupId, topics, from, beforeStart, ...(maxFetchBytes === undefined ? {} : { maxFetchBytes }) };
    consumer = await transport.consume(asked, reader.handlers);
    reader.attach(consumer);
    await Promise.race([reader.positions.begun, reader.finished]);
    onReady?.(reader.positions.next);
    await reader.finished;
  } finally {
    signal.removeEventListener('abort', onAbort);
    await consumer?.close();
  }
}

/** @throws TransportError `unknown_topic` */
export async function requireTopics(transport: Transport, topics: readonly string[]): Promise<void> {
  const found = await transport.describeTopics(topics);
  const missing = topics.filter((name) => !found.has(name));
  if (missing.length === 0) return;
  const text = `topic ${missing.join(', ')} does not exist; check its name, or produce to it with --create-topics`;
  throw new TransportError('unknown_topic', text);
}

/** One reading: passes fetches on one at a time, and holds the source while one is being taken. */
class Reader {
  readonly #end: PromiseWithResolvers<void> = Promise.withResolvers();
  readonly finished = this.#end.promise;
  readonly handlers: ConsumeHandlers;
  readonly positions: ReadPositions;
  readonly #options: ReadOptions;
  readonly #waiting: Fetch[] = [];
  #owned: OwnedPartition[] = [];
  #consumer: Consumer | undefined;
  #busy = false;

  constructor(options: ReadOptions) {
    this.#options = options;
    this.positions = new ReadPositions(options.starts);
    this.finished.catch(() => undefined); // told to whoever waits for it
    this.handlers = {
      assigned: (partitions) => {
        this.positions.assigned(partitions);
        this.#owned = [...this.#owned, ...partitions];
        if (this.#busy) this.#consumer?.pause(partitions); // they begin resumed
      },
      revoking: (partitions) => {
        this.#forget(partitions);
        return Promise.resolve();
      },
      lost: (partitions) => {
        this.#forget(partitions);
        options.onTrouble?.(expelledWhy);
      },
      health: (state) => {
        if (state.state !== 'ok') options.onTrouble?.(state.why);
      },
      fetched: (fetch) => {
        this.#waiting.push({ ...fetch, records: this.positions.unread(fetch) });
        if (!this.#busy) void this.#work();
      },
      failed: (error) => {
        this.finish(error);
      },
    };
  }

  attach(consumer: Consumer): void {
    this.#consumer = consumer;
    this.positions.attach(consumer);
    if (this.#busy) consumer.pause(this.#owned);
  }

  finish(error?: Error): void {
    if (error) this.#end.reject(error);
    else this.#end.resolve();
  }

  async #work(): Promise<void> {
    const { signal, take } = this.#options;
    this.#busy = true;
    this.#consumer?.pause(this.#owned);
    try {
      for (let fetch = this.#waiting.shift(); fetch && !signal.aborted; fetch = this.#waiting.shift()) {
        const { topic, partition } = fetch;
        if (!(await take(fetch.records.map((record) => ({ ...record, topic, partition }))))) continue;
        this.finish();
        return; // stays busy: nothing more is taken
      }
      this.#busy = false;
      this.#consumer?.resume(this.#owned);
    } catch (error) {
      this.finish(error instanceof Error ? error : new Error(messageOf(error)));
    }
  }

  #forget(gone: readonly OwnedPartition[]): void {
    this.#owned = this.#owned.filter((one) => !gone.some(({ topic, partition }) => one.topic === topic && one.partition === partition));
  }
}
