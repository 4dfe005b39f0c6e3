import type { ServerResponse } from 'node:http';
import { isStreamError, messageOf } from '../errors.ts';
import { formatPartition } from '../record/record.ts';
import { toJsonRecord } from '../runtime/json-record.ts';
import { type ReadRecord, readTopics } from '../runtime/topic-reader.ts';
import type { Transport } from '../transport/transport.ts';
import { withoutSecrets } from '../without-secrets.ts';
import { EventStream, eventText } from './event-stream.ts';
import type { StreamLimits } from './stream-answer.ts';
import { placeText, type TopicStart } from './topic-start.ts';

/** What is read for whom. */
export interface TopicStreamOptions extends TopicStart {
  readonly transport: Transport;
  readonly topic: string;
  /** Only records of this key, as bytes. */
  readonly key: Uint8Array | undefined;
  /** Ends it: the service is stopping. */
  readonly stopping: AbortSignal;
  readonly warn: (why: string) => void;
  readonly limits: StreamLimits;
}

const maxFetchBytes = 64 * 1024;
/** So many records that the filter leaves out pass before the reader is told where it is. */
const tellPlaceEvery = 1_000;

/**
 * Writes the records of a topic as server-sent events as quickly as their reader takes them. Nothing more is asked of the log while the connection is full: it holds two
 * fetches of 64 KiB of each partition at most. The id of an event is the reader's place behind it. Ends when the reader leaves or takes nothing for too long, when the log
 * fails, and when the service stops; resolves then.
 * @throws TransportError where reading cannot begin: nothing was written.
 */
export async function streamTopic(
  response: ServerResponse,
  { transport, topic, key, from, starts, stopping, warn, limits }: TopicStreamOptions,
): Promise<'whole' | 'gone' | 'slow'> {
  const gone = new AbortController();
  const closed = Promise.withResolvers<'whole' | 'gone' | 'slow'>();
  let drained = (): void => undefined;
  const stream = new EventStream(response, {
    ...{ clock: limits.clock, slowReaderMs: limits.slowReaderMs, heartbeatMs: limits.heartbeatMs, headers: {} },
    onDrain: () => drained(),
    onClose: (how) => {
      gone.abort();
      drained();
      closed.resolve(how);
    },
  });
  const signal = AbortSignal.any([gone.signal, stopping]);
  const records = new RecordEvents(stream, topic, key);
  const take = async (fetched: readonly ReadRecord[]): Promise<boolean> => {
    for (const record of fetched) {
      while (stream.isFull && stream.isOpen && !signal.aborted)
        await new Promise<void>((resolve) => {
          drained = resolve;
        });
      if (!stream.isOpen || signal.aborted) return true;
      records.write(record);
    }
    return false;
  };
  const stop = (): void => drained();
  stopping.addEventListener('abort', stop);
  try {
    await readTopics(transport, {
      ...{ topics: [topic], from, starts, maxFetchBytes, signal, take, onTrouble: warn },
      onReady: (next) => {
        stream.open();
        records.begin(next);
      },
    });
    if (stream.isOpen) stream.write(failed('stopping', 'the service is stopping: ask again, with the id of the last event'));
  } catch (error) {
    if (!response.headersSent) throw error;
    stream.write(failed(isStreamError(error) ? error.code : 'transport_failed', withoutSecrets(messageOf(error))));
  } finally {
    stopping.removeEventListener('abort', stop);
  }
  stream.end();
  return closed.promise;
}

const failed = (code: string, message: string): string => eventText({ error: { code, message } }, undefined, 'error');

/** Records as events, each with the place behind it. */
class RecordEvents {
  readonly #stream: EventStream;
  readonly #topic: string;
  readonly #key: Uint8Array | undefined;
  readonly #place = new Map<string, bigint>();
  #leftOut = 0;

  constructor(stream: EventStream, topic: string, key: Uint8Array | undefined) {
    this.#stream = stream;
    this.#topic = topic;
    this.#key = key;
  }

  /** Where it begins: whoever is cut off before the first record comes back to here. */
  begin(next: ReadonlyMap<string, bigint>): void {
    for (const [partition, offset] of next) if (!this.#place.has(partition)) this.#place.set(partition, offset);
    this.#tellPlace();
  }

  write(record: ReadRecord): void {
    const { partition, offset, key, undecodable } = record;
    const topic = this.#topic;
    this.#place.set(formatPartition({ topic, partition }), offset + 1n);
    if (this.#key !== undefined && !(key !== null && Buffer.compare(this.#key, key) === 0)) {
      this.#leftOut += 1;
      if (this.#leftOut % tellPlaceEvery === 0) this.#tellPlace();
      return;
    }
    const id = placeText(this.#place);
    if (undecodable === undefined) this.#stream.write(eventText(toJsonRecord({ ...record, topic }), id));
    else this.#stream.write(eventText({ topic, partition, offset: String(offset), why: undecodable.reason }, id, 'undecodable'));
  }

  #tellPlace(): void {
    const id = placeText(this.#place);
    if (id !== undefined) this.#stream.write(`id: ${id}\n\n`);
  }
}
