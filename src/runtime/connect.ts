import { randomUUID } from 'node:crypto';
import { Observable } from 'rxjs';
import { type Clock, sleep, systemClock } from '../clock.ts';
import { classify, CodecError, isStreamError, messageOf, requireInteger, requireOneOf, TransportError } from '../errors.ts';
import { Backoff } from '../flow/backoff.state.ts';
import { Partitioner } from '../flow/partitioner.ts';
import type { Topic } from '../pipeline.ts';
import {
  formatPosition,
  type OutputPosition,
  type OutputRecord,
  type Position,
  recordBytes,
  type RecordHeaders,
  type SourceRecord,
} from '../record/record.ts';
import type { Consumer, Fetch, Producer, Transport } from '../transport/transport.ts';

/** A record to produce. */
export interface NewRecord<T, K = string | null> {
  readonly value: T;
  /** Records of one key keep their order and meet in one partition. @defaultValue null */
  readonly key?: K;
  readonly headers?: RecordHeaders;
  /** Milliseconds since 1970. @defaultValue the broker's time */
  readonly timestampMs?: number;
}

/** A record that was consumed. */
export interface ConsumedRecord<T, K = string | null> {
  readonly value: T;
  readonly key: K;
  readonly headers: RecordHeaders;
  /** Milliseconds since 1970. */
  readonly timestampMs: number;
  readonly position: Position;
}

export interface ConsumeFromOptions {
  /** Where to begin. @defaultValue 'earliest' */
  readonly from?: 'earliest' | 'latest';
  /** What a record does that cannot be decoded: end the stream with its CodecError, or be left out. @defaultValue 'error' */
  readonly undecodable?: 'error' | 'skip';
  /** Called once, when records can arrive: for `from: 'latest'`, what is produced from now on is seen. */
  readonly onReady?: () => void;
}

export interface ProduceRecordsOptions {
  /** How long a record may be tried again while the broker cannot be reached, in ms. @defaultValue 30,000 */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** Producing and consuming from code, apart from any pipeline. */
export interface Client {
  /**
   * Encodes all records, then writes them and resolves with their positions, in the order given, when the log has
   * acknowledged all of them. Records of one partition keep their order.
   *
   * @throws CodecError before anything is written; TransportError `unknown_topic`, `record_too_large`, or
   * `transport_unavailable` after `timeoutMs`: then some may have been written.
   */
  produce<T, K>(
    topic: Topic<T, K>,
    records: readonly NewRecord<T, K>[],
    options?: ProduceRecordsOptions,
  ): Promise<readonly OutputPosition[]>;
  /**
   * The records of a topic as they come, partition by partition in offset order, in a group of its own that commits
   * nothing. Cold: each subscription reads for itself; it never completes. Holds nothing but the fetch at hand: a
   * subscriber that is slow and asynchronous buffers for itself.
   */
  consume<T, K>(topic: Topic<T, K>, options?: ConsumeFromOptions): Observable<ConsumedRecord<T, K>>;
  /** Waits for what is being written, then disconnects. Subscriptions to `consume` are ended by their owners. */
  close(): Promise<void>;
}

const maxRecordsASend = 1_000;
const maxBytesASend = 900_000;

/** Connects to the log of `transport`; nothing is opened before it is needed. The transport stays its owner's to close. */
export function connect(transport: Transport, { clock = systemClock }: { readonly clock?: Clock } = {}): Client {
  let producer: Promise<Producer> | undefined;
  const partitioner = new Partitioner();
  const turns = new Map<string, Promise<unknown>>(); // the last send of each partition: one at a time

  const open = (): Promise<Producer> => {
    producer ??= transport.produce().catch((error: unknown) => {
      producer = undefined; // the next call may find the broker up
      throw error;
    });
    return producer;
  };

  const inTurn = <T>(id: string, work: () => Promise<T>): Promise<T> => {
    const mine = (turns.get(id) ?? Promise.resolve()).then(work, work);
    const settled = mine
      .catch(() => undefined)
      .then(() => {
        if (turns.get(id) === settled) turns.delete(id);
      });
    turns.set(id, settled);
    return mine;
  };

  return {
    produce: async (topic, records, { timeoutMs = 30_000, signal } = {}) => {
      requireInteger('timeoutMs', timeoutMs, 0);
      const untilMs = clock.nowMs() + timeoutMs;
      const encoded = records.map((record, i) => encodeRecord(topic, record, i));
      const insist = <T>(work: (opened: Producer) => Promise<T>): Promise<T> =>
        untilTaken(clock, untilMs, signal, async () => work(await open()));
      const partitions = await insist((opened) => opened.partitionsOf(topic.name));
      const groups = new Map<number, { readonly record: OutputRecord; readonly at: number }[]>();
      for (const [at, record] of encoded.entries()) {
        const partition = partitioner.choose(record.key, partitions);
        const group = groups.get(partition);
        if (group) group.push({ record, at });
        else groups.set(partition, [{ record, at }]);
      }
      partitioner.turn();
      const positions: OutputPosition[] = [];
      const written = await Promise.allSettled(
        [...groups].map(async ([partition, group]) => {
          for (const batch of batches(group)) {
            const send = (some: readonly OutputRecord[]): Promise<bigint> => insist((opened) => opened.send(topic.name, partition, some));
            const offsets = await inTurn(`${topic.name}/${String(partition)}`, () =>
              sendCut(
                batch.map(({ record }) => record),
                send,
              ),
            );
            for (const [i, { at }] of batch.entries()) positions[at] = { topic: topic.name, partition, offset: offsets[i] ?? 0n };
          }
        }),
      );
      for (const result of written) if (result.status === 'rejected') throw result.reason;
      return positions;
    },
    consume: (topic, options = {}) => consume(transport, topic, options),
    close: async () => {
      const opened = await producer?.catch(() => undefined);
      producer = undefined;
      await opened?.close();
    },
  };
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

function* batches<T extends { readonly record: OutputRecord }>(group: readonly T[]): Generator<T[]> {
  let batch: T[] = [];
  let bytes = 0;
  for (const one of group) {
    const size = recordBytes(one.record);
    if (batch.length > 0 && (batch.length >= maxRecordsASend || bytes + size > maxBytesASend)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(one);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}

// A broker may take less at once than others do: only a record that is refused alone is too large.
async function sendCut(
  records: readonly OutputRecord[],
  send: (some: readonly OutputRecord[]) => Promise<bigint>,
): Promise<readonly bigint[]> {
  try {
    const base = await send(records);
    return records.map((_, i) => base + BigInt(i));
  } catch (error) {
    if (records.length === 1 || !(isStreamError(error) && error.code === 'record_too_large')) throw error;
    const middle = records.length >> 1;
    return [...(await sendCut(records.slice(0, middle), send)), ...(await sendCut(records.slice(middle), send))];
  }
}

async function untilTaken<T>(clock: Clock, untilMs: number, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  const backoff = new Backoff(100, 2_000);
  for (;;) {
    signal?.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      const waitMs = backoff.failed();
      if (classify(error) !== 'transient' || clock.nowMs() + waitMs > untilMs) throw error;
      await sleep(clock, waitMs, signal);
    }
  }
}

function consume<T, K>(transport: Transport, topic: Topic<T, K>, options: ConsumeFromOptions): Observable<ConsumedRecord<T, K>> {
  const { from = 'earliest', undecodable = 'error', onReady } = options;
  requireOneOf('from', from, ['earliest', 'latest']);
  requireOneOf('undecodable', undecodable, ['error', 'skip']);
  return new Observable((out) => {
    let consumer: Consumer | undefined;
    let left = false;
    const fetched = (fetch: Fetch): void => {
      for (const record of fetch.records) {
        if (out.closed) return;
        try {
          out.next(decodeRecord(topic, fetch, record));
        } catch (error) {
          if (undecodable === 'skip' && isStreamError(error) && error instanceof CodecError) continue;
          out.error(error);
        }
      }
    };
    const join = async (): Promise<void> => {
      const found = await transport.describeTopics([topic.name]);
      if (!found.has(topic.name))
        throw new TransportError(
          'unknown_topic',
          `topic ${topic.name} does not exist; create it first (transport.createTopics, or your broker's tools)`,
        );
      const joined = await transport.consume(
        { groupId: `millrace-reader-${randomUUID()}`, topics: [topic.name], from },
        {
          assigned: () => undefined,
          revoking: () => Promise.resolve(),
          lost: () => undefined,
          health: () => undefined,
          fetched,
          failed: (error) => {
            out.error(error);
          },
        },
      );
      if (left) await joined.close();
      else {
        consumer = joined;
        onReady?.();
      }
    };
    join().catch((error: unknown) => {
      out.error(error);
    });
    return () => {
      left = true;
      consumer?.close().catch(() => undefined); // it only read; there is nothing to lose
    };
  });
}

function decodeRecord<T, K>(topic: Topic<T, K>, fetch: Fetch, record: SourceRecord): ConsumedRecord<T, K> {
  const { key, value, headers, timestampMs, offset, undecodable } = record;
  const position = { topic: fetch.topic, partition: fetch.partition, offset, epoch: fetch.epoch };
  const at = formatPosition(position);
  if (undecodable) throw new CodecError('undecodable_batch', `record ${at} cannot be read: ${undecodable.reason}`, { position: at });
  try {
    return { value: topic.value.decode(value), key: topic.key.decode(key), headers, timestampMs, position };
  } catch (error) {
    throw new CodecError(isStreamError(error) ? error.code : 'decode_failed', `record ${at}: ${messageOf(error)}`, {
      cause: error,
      position: at,
    });
  }
}
