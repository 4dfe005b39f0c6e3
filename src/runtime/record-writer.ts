import { type OptionNames, requireOptions } from '../check-options.ts';
import { type Clock, sleep } from '../clock.ts';
import { classify } from '../classify.ts';
import { CodecError, isStreamError, messageOf, requireInteger } from '../errors.ts';
import { Backoff } from '../flow/backoff.state.ts';
import { Partitioner } from '../flow/partitioner.ts';
import { sendBatches } from '../flow/send-batches.ts';
import type { Topic } from '../pipeline.ts';
import { formatPartition, type OutputPosition, type OutputRecord, type RecordHeaders } from '../record/record.ts';
import type { Producer, Transport } from '../transport/transport.ts';
import type { Log } from './logging.ts';
import { opens } from './open-codecs.ts';
import { WritingTopics } from './writing-topics.ts';

/** A record to produce. */
export interface NewRecord<T, K = string | null> {
  readonly value: T;
  /** Records of one key keep their order and meet in one partition. @defaultValue null */
  readonly key?: K;
  readonly headers?: RecordHeaders;
  /** Milliseconds since 1970. @defaultValue the broker's time */
  readonly timestampMs?: number;
}

export interface ProduceRecordsOptions {
  /** How long a record may be tried again while the broker cannot be reached, in ms. @defaultValue 30,000 */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

const names: OptionNames<ProduceRecordsOptions> = { timeoutMs: true, signal: true };

interface Placed {
  readonly record: OutputRecord;
  /** Its place among the records given. */
  readonly at: number;
}

/** How long and by whom a write may be kept alive. */
interface Patience {
  readonly untilMs: number;
  readonly signal: AbortSignal | undefined;
}

/** Writes records from code: encodes, places, and tries again while the broker cannot be reached. Holds what it was given. */
export class RecordWriter {
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #partitioner = new Partitioner();
  readonly #topics: WritingTopics;
  /** The last send of each partition: one at a time. */
  readonly #turns = new Map<string, Promise<unknown>>();
  #producer: Promise<Producer> | undefined;

  constructor(transport: Transport, clock: Clock, log: () => Log) {
    this.#transport = transport;
    this.#clock = clock;
    this.#topics = new WritingTopics(clock, log);
  }

  async write<T, K>(
    given: Topic<T, K>,
    records: readonly NewRecord<T, K>[],
    options: ProduceRecordsOptions,
  ): Promise<readonly OutputPosition[]> {
    requireOptions('produce', options, names);
    const { timeoutMs = 30_000, signal } = options;
    requireInteger('timeoutMs', timeoutMs, 0);
    const patience = { untilMs: this.#clock.nowMs() + timeoutMs, signal };
    const topic = opens(given) ? await this.#insist(patience, () => this.#topics.open(given)) : given;
    const encoded = records.map((record, i) => encodeRecord(topic, record, i));
    const partitions = await this.#insistOn(patience, (producer) => producer.partitionsOf(topic.name));
    const groups = Map.groupBy(
      encoded.map((record, at): Placed => ({ record, at })),
      ({ record }) => this.#partitioner.choose(record.key, partitions),
    );
    this.#partitioner.turn();
    const positions: OutputPosition[] = [];
    const written = await Promise.allSettled(
      [...groups].map(async ([partition, group]) => {
        for (const batch of sendBatches(group)) {
          const offsets = await this.#inTurn(formatPartition({ topic: topic.name, partition }), () =>
            this.#send(patience, topic.name, partition, batch),
          );
          for (const [i, { at }] of batch.entries()) positions[at] = { topic: topic.name, partition, offset: offsets[i] ?? 0n };
        }
      }),
    );
    for (const result of written) if (result.status === 'rejected') throw result.reason;
    return positions;
  }

  async close(): Promise<void> {
    const producer = await this.#producer?.catch(() => undefined);
    this.#producer = undefined;
    await producer?.close();
    await this.#topics.close();
  }

  #open(): Promise<Producer> {
    this.#producer ??= this.#transport.produce().catch((error: unknown) => {
      this.#producer = undefined; // the next call may find the broker up
      throw error;
    });
    return this.#producer;
  }

  #inTurn<T>(id: string, work: () => Promise<T>): Promise<T> {
    const mine = (this.#turns.get(id) ?? Promise.resolve()).then(work, work);
    const settled = mine
      .catch(() => undefined)
      .then(() => {
        if (this.#turns.get(id) === settled) this.#turns.delete(id);
      });
    this.#turns.set(id, settled);
    return mine;
  }

  // A broker may take less at once than others do: only a record that is refused alone is too large.
  async #send(patience: Patience, topic: string, partition: number, batch: readonly Placed[]): Promise<readonly bigint[]> {
    const records = batch.map(({ record }) => record);
    try {
      const base = await this.#insistOn(patience, (producer) => producer.send(topic, partition, records));
      return records.map((_, i) => base + BigInt(i));
    } catch (error) {
      if (batch.length === 1 || !(isStreamError(error) && error.code === 'record_too_large')) throw error;
      const middle = batch.length >> 1;
      const first = await this.#send(patience, topic, partition, batch.slice(0, middle));
      return [...first, ...(await this.#send(patience, topic, partition, batch.slice(middle)))];
    }
  }

  #insistOn<T>(patience: Patience, work: (producer: Producer) => Promise<T>): Promise<T> {
    return this.#insist(patience, async () => work(await this.#open()));
  }

  async #insist<T>({ untilMs, signal }: Patience, work: () => Promise<T>): Promise<T> {
    const backoff = new Backoff(100, 2_000);
    for (;;) {
      signal?.throwIfAborted();
      try {
        return await work();
      } catch (error) {
        const waitMs = backoff.failed();
        if (classify(error) !== 'transient' || this.#clock.nowMs() + waitMs > untilMs) throw error;
        await sleep(this.#clock, waitMs, signal);
      }
    }
  }
}

function encodeRecord<T, K>(topic: Topic<T, K>, record: NewRecord<T, K>, at: number): OutputRecord {
  const { key = null as K, value, headers = [], timestampMs } = record;
  try {
    return {
      key: key === null ? null : topic.key.encode(key),
      value: topic.value.encode(value),
      headers,
      ...(timestampMs === undefined ? {} : { timestampMs }),
    };
  } catch (error) {
    const code = isStreamError(error) ? error.code : 'encode_failed';
    throw new CodecError(code, `record ${String(at)} for topic ${topic.name}: ${messageOf(error)}; nothing was written`, { cause: error });
  }
}
