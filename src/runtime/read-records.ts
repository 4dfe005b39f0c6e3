import { randomUUID } from 'node:crypto';
import { Observable } from 'rxjs';
import { type OptionNames, requireOptions } from '../check-options.ts';
import { CodecError, isStreamError, messageOf, requireOneOf, TransportError } from '../errors.ts';
import type { Clock } from '../clock.ts';
import type { Topic } from '../pipeline.ts';
import { formatPartition, formatPosition, type Position, type RecordHeaders, type SourceRecord } from '../record/record.ts';
import type { ConsumeHandlers, Consumer, Fetch, OwnedPartition, Transport } from '../transport/transport.ts';
import { decodeKey } from './decode.ts';
import type { Log } from './logging.ts';
import { closeCodecs, opens, openTopic, pendingOf } from './open-codecs.ts';
import { expelledWhy, ReadPositions } from './read-positions.ts';
import { ReadQueue } from './read-queue.ts';

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

/** What a reader reads with. */
export interface Reader {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly log: () => Log;
  readonly warn: (why: string) => void;
}

/** The records of a topic as they come, troubles told to `warn`; see {@link Client.consume}. */
export function readRecords<T, K>(
  given: Topic<T, K>,
  options: ConsumeFromOptions,
  { transport, clock, log, warn }: Reader,
): Observable<ConsumedRecord<T, K>> {
  requireOptions('consume', options, names);
  const { from = 'earliest', undecodable = 'error', onReady } = options;
  requireOneOf('from', from, ['earliest', 'latest']);
  requireOneOf('undecodable', undecodable, ['error', 'skip']);
  return new Observable((out) => {
    const positions = new ReadPositions();
    const over = new AbortController();
    const failed = (error: unknown): void => {
      out.error(error);
    };
    const begin = async ({ topic, opened }: Pick<Awaited<ReturnType<typeof openTopic<T, K>>>, 'topic' | 'opened'>): Promise<Consumer> => {
      const take = (from: OwnedPartition, record: SourceRecord, refusal: Error | undefined): void => {
        if (out.closed) return;
        try {
          out.next(decodeRecord(topic, from, record, refusal));
        } catch (error) {
          if (undecodable === 'skip' && isStreamError(error) && error instanceof CodecError) return;
          out.error(error);
        }
      };
      const waits = (partition: OwnedPartition): void => {
        const troubles = opened.flatMap(({ codec }) => codec.trouble?.() ?? []);
        warn(`${formatPartition(partition)} waits for what its codec needs to read a record${troubles.map((why) => `: ${why}`).join('')}`);
      };
      const queue = new ReadQueue({ clock, pending: pendingOf(opened) ?? (() => undefined), take, waits });
      out.add(() => {
        queue.stop();
      });
      const fetched = (fetch: Fetch): void => {
        queue.offer(fetch, positions.unread(fetch));
      };
      const joined = await join(transport, topic.name, from, positions, { ...toldTo(positions, warn), fetched, failed });
      queue.attach(joined);
      return joined;
    };
    const topic = opens(given) ? openTopic(given, 'in', { clock, log: log(), signal: over.signal }) : undefined;
    const consumer = topic?.then((opened) => (out.closed ? undefined : begin(opened))) ?? begin({ topic: given, opened: [] });
    const ready = async (): Promise<void> => {
      await consumer;
      await positions.begun;
      if (!out.closed) onReady?.();
    };
    ready().catch(failed);
    return () => {
      over.abort(new DOMException('nobody reads any more', 'AbortError'));
      consumer.then((joined) => joined?.close()).catch(() => undefined); // it only read; there is nothing to lose
      topic?.then(({ opened }) => closeCodecs(opened)).catch(() => undefined);
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

function decodeRecord<T, K>(
  topic: Topic<T, K>,
  from: OwnedPartition,
  record: SourceRecord,
  refusal: Error | undefined,
): ConsumedRecord<T, K> {
  const { key, value, headers, timestampMs, offset, undecodable } = record;
  const position = { ...from, offset };
  const at = formatPosition(position);
  if (undecodable) throw new CodecError('undecodable_batch', `record ${at} cannot be read: ${undecodable.reason}`, { position: at });
  try {
    if (refusal !== undefined) throw refusal;
    return { value: topic.value.decode(value), key: decodeKey(topic.key, key), headers, timestampMs, position };
  } catch (error) {
    throw new CodecError(isStreamError(error) ? error.code : 'decode_failed', `record ${at}: ${messageOf(error)}`, {
      cause: error,
      position: at,
    });
  }
}
