import { randomUUID } from 'node:crypto';
import { Observable } from 'rxjs';
import { type OptionNames, requireOptions } from '../check-options.ts';
import { CodecError, isStreamError, messageOf, requireOneOf, TransportError } from '../errors.ts';
import type { Topic } from '../pipeline.ts';
import { formatPosition, type Position, type RecordHeaders, type SourceRecord } from '../record/record.ts';
import type { ConsumeHandlers, Consumer, Fetch, OwnedPartition, Transport } from '../transport/transport.ts';
import { expelledWhy, ReadPositions } from './read-positions.ts';

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

const names: OptionNames<ConsumeFromOptions> = { from: true, undecodable: true, onReady: true };

/** The records of a topic as they come, troubles told to `warn`; see {@link Client.consume}. */
export function readRecords<T, K>(
  transport: Transport,
  topic: Topic<T, K>,
  options: ConsumeFromOptions,
  warn: (why: string) => void,
): Observable<ConsumedRecord<T, K>> {
  requireOptions('consume', options, names);
  const { from = 'earliest', undecodable = 'error', onReady } = options;
  requireOneOf('from', from, ['earliest', 'latest']);
  requireOneOf('undecodable', undecodable, ['error', 'skip']);
  return new Observable((out) => {
    const positions = new ReadPositions();
    const fetched = (fetch: Fetch): void => {
      for (const record of positions.unread(fetch)) {
        if (out.closed) return;
        try {
          out.next(decodeRecord(topic, fetch, record));
        } catch (error) {
          if (undecodable === 'skip' && isStreamError(error) && error instanceof CodecError) continue;
          out.error(error);
        }
      }
    };
    const failed = (error: unknown): void => {
      out.error(error);
    };
    const consumer = join(transport, topic.name, from, positions, { ...toldTo(positions, warn), fetched, failed });
    consumer.then(() => {
      if (!out.closed) onReady?.();
    }, failed);
    return () => {
      consumer.then((joined) => joined.close()).catch(() => undefined); // it only read; there is nothing to lose
    };
  });
}

async function join(
  transport: Transport,
  topic: string,
  from: 'earliest' | 'latest',
  positions: ReadPositions,
  handlers: ConsumeHandlers,
): Promise<Consumer> {
  const found = await transport.describeTopics([topic]);
  if (!found.has(topic))
    throw new TransportError(
      'unknown_topic',
      `topic ${topic} does not exist; create it first (transport.createTopics, or your broker's tools)`,
    );
  const beforeStart = (partitions: readonly OwnedPartition[]): Promise<void> => positions.restore(partitions);
  const consumer = await transport.consume({ groupId: `millrace-reader-${randomUUID()}`, topics: [topic], from, beforeStart }, handlers);
  positions.attach(consumer);
  return consumer;
}

const toldTo = (positions: ReadPositions, warn: (why: string) => void): Omit<ConsumeHandlers, 'fetched' | 'failed'> => ({
  assigned: (partitions) => {
    positions.assigned(partitions);
  },
  revoking: () => Promise.resolve(),
  lost: () => {
    warn(expelledWhy);
  },
  health: (health) => {
    if (health.state !== 'ok') warn(health.why);
  },
});

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
