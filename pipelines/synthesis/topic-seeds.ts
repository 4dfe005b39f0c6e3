import { type Clock, connect, json, type Log, topic, type Transport, TransportError } from 'millrace';
import { z } from 'zod';

export interface TopicSeedsOptions {
  readonly transport: Transport;
  readonly topic: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** What lies before the end may be no records: markers of transactions, and what was compacted. */
const quietMs = 5_000;
const lookEveryMs = 200;

/**
 * The values of a topic as a list of seeds, from its beginning to where it ends now; the run keeps them, so that going on with it needs no topic. In the order of each partition, partition by partition; values that are no JSON
 * are left out. Holds all of them.
 * @throws TransportError `unknown_topic`, or what ends reading.
 */
export async function topicSeeds({ transport, topic: name, clock, log, signal }: TopicSeedsOptions): Promise<readonly unknown[]> {
  const found = (await transport.describeTopics([name])).get(name);
  if (!found) throw new TransportError('unknown_topic', `topic ${name} does not exist: look at its name, and at --brokers`);
  const ends = new Map(found.partitions.flatMap(({ partition, low, high }) => (high > low ? [[partition, high] as const] : [])));
  if (ends.size === 0) return [];
  const values = new Map<number, unknown[]>([...ends.keys()].sort((a, b) => a - b).map((partition) => [partition, []]));
  const client = connect(transport, { clock, log });
  const over = Promise.withResolvers<undefined>();
  let movedMs = clock.nowMs();
  const reading = client.consume(topic(name, json(z.unknown())), { undecodable: 'skip' }).subscribe({
    next: ({ value, position: { partition, offset } }) => {
      movedMs = clock.nowMs();
      const end = ends.get(partition);
      if (end === undefined) return;
      if (offset < end && value !== null) values.get(partition)?.push(value);
      if (offset + 1n >= end) ends.delete(partition);
      if (ends.size === 0) over.resolve(undefined);
    },
    error: (error: unknown) => {
      over.reject(error instanceof Error ? error : new Error('the topic cannot be read', { cause: error }));
    },
  });
  let cancel = (): void => undefined;
  const look = (): void => {
    if (signal.aborted || clock.nowMs() - movedMs > quietMs) over.resolve(undefined);
    else cancel = clock.schedule(lookEveryMs, look);
  };
  look();
  try {
    await over.promise;
    signal.throwIfAborted();
    return [...values.values()].flat();
  } finally {
    cancel();
    reading.unsubscribe();
    await client.close();
  }
}
