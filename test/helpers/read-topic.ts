import { type Kafka, type KafkaMessage } from 'kafkajs';

export type ReadMessage = KafkaMessage & { readonly partition: number };

export interface ReadTopicOptions {
  /** Also what open and aborted transactions have written. @defaultValue false */
  readonly readUncommitted?: boolean;
}

/** A log may end with nothing but markers of transactions, which kafkajs tells nobody of: then silence is the end. */
const quietMs = 15_000;

/** All that a topic holds now, by a client that knows nothing of Millrace; each partition's in order. */
export async function readTopic(
  kafka: Kafka,
  topic: string,
  { readUncommitted = false }: ReadTopicOptions = {},
): Promise<readonly ReadMessage[]> {
  const ends = await endsOf(kafka, topic);
  if (ends.size === 0) return [];
  const messages: ReadMessage[] = [];
  const group = `read-${topic}-${String(process.pid)}-${String((readTopic.reads += 1))}`;
  const consumer = kafka.consumer({ groupId: group, readUncommitted });
  let quiet: NodeJS.Timeout | undefined;
  await consumer.connect();
  try {
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      consumer.on(consumer.events.CRASH, ({ payload }) => {
        reject(payload.error);
      });
      const look = (partition: number, next: bigint): void => {
        if (next >= (ends.get(partition) ?? 0n)) ends.delete(partition);
        quiet?.refresh();
        if (ends.size === 0) resolve();
      };
      quiet = setTimeout(resolve, quietMs);
      consumer
        .run({
          eachBatch: ({ batch }) => {
            for (const message of batch.messages) messages.push(Object.assign(message, { partition: batch.partition }));
            look(batch.partition, BigInt(batch.lastOffset()) + 1n);
            return Promise.resolve();
          },
        })
        .catch(reject);
    });
  } finally {
    clearTimeout(quiet);
    await consumer.disconnect();
  }
  return messages;
}
readTopic.reads = 0;

/** How many records a topic has taken so far; 0 while there is none. */
export async function sizeOf(kafka: Kafka, topic: string): Promise<number> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    const partitions = await admin.fetchTopicOffsets(topic).catch(() => []);
    return partitions.reduce((sum, { low, high }) => sum + Number(high) - Number(low), 0);
  } finally {
    await admin.disconnect();
  }
}

/** The next offset of each partition that holds anything. */
async function endsOf(kafka: Kafka, topic: string): Promise<Map<number, bigint>> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    const partitions = await admin.fetchTopicOffsets(topic);
    return new Map(partitions.filter(({ low, high }) => low !== high).map(({ partition, high }) => [partition, BigInt(high)]));
  } finally {
    await admin.disconnect();
  }
}
