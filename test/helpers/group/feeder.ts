import { type Kafka, Partitioners, type Producer } from 'kafkajs';
import type { Item } from './case.ts';

const atOnce = 1_000;
const afterFailureMs = 200;
const maxFailures = 50;

/**
 * Writes numbered records with a client that knows nothing of Millrace. A number is written at most once: after a failure it
 * is left open whether it was, and the next ones follow. What is in the log is found by reading it.
 */
export class Feeder {
  readonly #kafka: Kafka;
  readonly #topic: string;
  readonly #keys: number;
  #producer: Promise<Producer> | undefined;
  #next = 0;
  #steady: Promise<void> = Promise.resolve();
  #steadyEnd = new AbortController();

  constructor(kafka: Kafka, topic: string, keys: number) {
    this.#kafka = kafka;
    this.#topic = topic;
    this.#keys = keys;
  }

  /** So many more, at once. A broker that has just made a topic may refuse the first. */
  async feed(count: number): Promise<void> {
    let failures = 0;
    for (let left = count; left > 0; ) {
      const some = Math.min(left, atOnce);
      try {
        await this.#send(some);
        left -= some;
      } catch (error) {
        failures += 1;
        if (failures > maxFailures) throw error;
        await wait(afterFailureMs);
      }
    }
  }

  /** From now on so many a second, while the brokers take them. */
  steadily(aSecond: number): void {
    this.#steadyEnd = new AbortController();
    const { signal } = this.#steadyEnd;
    const everyMs = 50;
    const run = async (): Promise<void> => {
      let dueMs = performance.now();
      while (!signal.aborted) {
        await this.#send(Math.ceil((aSecond * everyMs) / 1_000)).catch(() => wait(afterFailureMs));
        dueMs = Math.max(dueMs + everyMs, performance.now() - 1_000);
        await wait(Math.max(0, dueMs - performance.now()));
      }
    };
    this.#steady = run();
  }

  /** Ends what `steadily` began. */
  async stop(): Promise<void> {
    this.#steadyEnd.abort();
    await this.#steady;
  }

  async close(): Promise<void> {
    await this.stop();
    await (await this.#producer?.catch(() => undefined))?.disconnect();
  }

  async #send(count: number): Promise<void> {
    const messages = Array.from({ length: count }, (_, i) => {
      const id = this.#next + i;
      return { key: `key-${String(id % this.#keys)}`, value: JSON.stringify({ id } satisfies Item) };
    });
    this.#next += count;
    this.#producer ??= this.#open();
    try {
      await (await this.#producer).send({ topic: this.#topic, messages });
    } catch (error) {
      const broken = this.#producer;
      this.#producer = undefined;
      void broken.then((producer) => producer.disconnect()).catch(() => undefined);
      throw error;
    }
  }

  async #open(): Promise<Producer> {
    const producer = this.#kafka.producer({
      allowAutoTopicCreation: false,
      createPartitioner: Partitioners.DefaultPartitioner,
      retry: { retries: 0 }, // a second try could write a number twice
    });
    await producer.connect();
    return producer;
  }
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
