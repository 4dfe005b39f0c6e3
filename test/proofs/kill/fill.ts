import { type Kafka, Partitioners } from 'kafkajs';

const recordsASend = 2_000;

/** Writes records with ids from `first`, of 5,000 keys, by a client that knows nothing of Millrace. */
export async function fill(kafka: Kafka, topic: string, first: number, count: number): Promise<void> {
  const producer = kafka.producer({ allowAutoTopicCreation: false, createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
  for (let from = first; from < first + count; from += recordsASend) {
    const ids = Array.from({ length: Math.min(recordsASend, first + count - from) }, (_, i) => from + i);
    await producer.send({ topic, messages: ids.map((id) => ({ key: `key-${String(id % 5_000)}`, value: JSON.stringify({ id }) })) });
  }
  await producer.disconnect();
}
