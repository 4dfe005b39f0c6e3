import type { Kafka, Producer as KafkaJsProducer } from 'kafkajs';
import { atMost, type Clock } from '../../clock.ts';
import { TransportError } from '../../errors.ts';
import { formatPartition, type OutputRecord } from '../../record/record.ts';
import type { ProduceOptions, Producer } from '../transport.ts';
import { kafkaClient } from './kafka-client.ts';
import { toTransportError } from './kafka-errors.ts';
import type { ResolvedKafkaOptions } from './kafka-options.ts';
import { patiently } from './patience.ts';
import type { TopicPlaces } from './topic-places.ts';
import { ownPartitioner, write } from './write.ts';

const closePatienceMs = 3_000;
/** Same sequence numbers, so a try again inside kafkajs writes nothing twice. About 3 s, then the caller hears of it. */
const sendRetry = { initialRetryTime: 100, maxRetryTime: 1_000, retries: 5 };

/** One kafkajs producer and what is under way on it. */
interface Session {
  readonly client: KafkaJsProducer;
  readonly connected: Promise<void>;
  underWay: number;
  broken: boolean;
}

/**
 * An idempotent writer. Its producer id lives until the first failure that leaves it open whether something was
 * written: kafkajs then takes the sequence numbers back, and the broker would take the next, different batch with these
 * numbers for a repetition and throw it away with a success. So such a session is given up, and the next send opens
 * another with a new id.
 */
export class KafkaProducer implements Producer {
  readonly #options: ResolvedKafkaOptions;
  readonly #clock: Clock;
  readonly #kafka: Kafka;
  readonly #places: TopicPlaces;
  readonly #underWay = new Set<Promise<unknown>>();
  #session: Session;
  #closed: Promise<void> | undefined;

  private constructor(options: ResolvedKafkaOptions, clock: Clock, places: TopicPlaces, kafka: Kafka) {
    this.#options = options;
    this.#clock = clock;
    this.#places = places;
    this.#kafka = kafka;
    this.#session = this.#openSession();
  }

  static async open(
    options: ResolvedKafkaOptions,
    clock: Clock,
    places: TopicPlaces,
    { clientId }: ProduceOptions,
  ): Promise<KafkaProducer> {
    const kafka = kafkaClient(options, clientId);
    const producer = new KafkaProducer(options, clock, places, kafka);
    try {
      await patiently(clock, options.startPatienceMs, 'open a producer', options.brokers, () => producer.#current().connected);
    } catch (error) {
      await producer.close();
      throw error;
    }
    return producer;
  }

  async partitionsOf(topic: string): Promise<number> {
    return this.#places.partitionsOf(topic);
  }

  async send(topic: string, partition: number, records: readonly OutputRecord[]): Promise<bigint> {
    if (this.#closed) throw new TransportError('transport_failed', `cannot write to ${topic}: the producer is closed`);
    if (records.length === 0) throw new TransportError('transport_failed', `cannot write to ${topic}: a send needs at least one record`);
    const work = this.#places.check(topic, partition).then(() => this.#write(topic, partition, records));
    this.#underWay.add(work);
    try {
      return await work;
    } finally {
      this.#underWay.delete(work);
    }
  }

  close(): Promise<void> {
    this.#closed ??= (async () => {
      await Promise.allSettled(this.#underWay);
      await this.#discard(this.#session);
    })();
    return this.#closed;
  }

  async #write(topic: string, partition: number, records: readonly OutputRecord[]): Promise<bigint> {
    const session = this.#current();
    session.underWay += 1;
    try {
      await session.connected;
      return await write(session.client, this.#options, topic, partition, records);
    } catch (error) {
      const failure = toTransportError(error, `write to ${formatPartition({ topic, partition })}`, this.#options.brokers);
      if (failure.grade !== 'record') session.broken = true; // a refused record was not written, that is certain
      if (failure.code === 'unknown_topic') this.#places.forget(topic);
      throw failure;
    } finally {
      session.underWay -= 1;
      if (session.broken && session.underWay === 0 && session !== this.#session) void this.#discard(session);
    }
  }

  /** The session for the next send. A broken one finishes what is under way on it. */
  #current(): Session {
    const old = this.#session;
    if (!old.broken) return old;
    this.#session = this.#openSession();
    if (old.underWay === 0) void this.#discard(old);
    return this.#session;
  }

  #openSession(): Session {
    const client = this.#kafka.producer({
      idempotent: true,
      allowAutoTopicCreation: false,
      retry: sendRetry,
      createPartitioner: ownPartitioner,
    });
    const session: Session = { client, connected: client.connect(), underWay: 0, broken: false };
    session.connected.catch(() => {
      session.broken = true;
    });
    return session;
  }

  #discard({ client }: Session): Promise<void> {
    return atMost(this.#clock, closePatienceMs, client.disconnect());
  }
}
