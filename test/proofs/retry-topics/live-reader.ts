import type { Consumer, Kafka } from 'kafkajs';
import type { Item } from './case.ts';

const lookEveryMs = 50;

/** Reads what is committed while it comes, and notes when each record's first output or dead letter could be read. */
export class LiveReader {
  readonly seenMs: Map<number, number>;
  readonly #consumer: Consumer;

  private constructor(consumer: Consumer, seenMs: Map<number, number>) {
    this.#consumer = consumer;
    this.seenMs = seenMs;
  }

  static async open(kafka: Kafka, topics: readonly string[]): Promise<LiveReader> {
    const consumer = kafka.consumer({ groupId: `live-${topics.join('-')}`, maxWaitTimeInMs: 50 });
    const seenMs = new Map<number, number>();
    await consumer.connect();
    await consumer.subscribe({ topics: [...topics], fromBeginning: true });
    await consumer.run({
      eachMessage: ({ message }) => {
        const { id } = JSON.parse(String(message.value)) as Item;
        if (!seenMs.has(id)) seenMs.set(id, Date.now());
        return Promise.resolve();
      },
    });
    return new LiveReader(consumer, seenMs);
  }

  /** False when some have not come within `patienceMs`. */
  async untilAll(ids: readonly number[], patienceMs: number): Promise<boolean> {
    for (const untilMs = Date.now() + patienceMs; Date.now() < untilMs; ) {
      if (ids.every((id) => this.seenMs.has(id))) return true;
      await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
    }
    return false;
  }

  close(): Promise<void> {
    return this.#consumer.disconnect();
  }
}
