import { randomUUID } from 'node:crypto';
import { Observable } from 'rxjs';
import { CodecError, isStreamError, messageOf, requireOneOf, TransportError } from '../errors.ts';
import type { Topic } from '../pipeline.ts';
import { formatPosition, type Position, type RecordHeaders, type SourceRecord } from '../record/record.ts';
import type { Consumer, Fetch, Transport } from '../transport/transport.ts';

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

/** The records of a topic as they come; see {@link Client.consume}. */
export function readRecords<T, K>(transport: Transport, topic: Topic<T, K>, options: ConsumeFromOptions): Observable<ConsumedRecord<T, K>> {
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
