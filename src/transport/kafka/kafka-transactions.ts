import type { Kafka, Producer as KafkaJsProducer, Transaction as KafkaJsTransaction } from 'kafkajs';
import { atMost, type Clock, sleep } from '../../clock.ts';
import { isStreamError, requireInteger, requireText, TransportError } from '../../errors.ts';
import { formatPartition, type OutputRecord } from '../../record/record.ts';
import { type TransactionLink, TransactionalWriter } from '../transactional-writer.ts';
import type { StoredOffset, TransactionalProducer, TransactOptions } from '../transport.ts';
import { byTopic } from './group-connection.ts';
import { kafkaClient } from './kafka-client.ts';
import { protocolTypeOf, toTransportError } from './kafka-errors.ts';
import type { ResolvedKafkaOptions } from './kafka-options.ts';
import { inTime, patiently } from './patience.ts';
import type { TopicPlaces } from './topic-places.ts';
import { ownPartitioner, write } from './write.ts';

const defaultTimeoutMs = 60_000; // as the port says, and Kafka's clients do
const closePatienceMs = 3_000;
/** Of one send inside kafkajs, with the same sequence numbers. About 3 s, then the caller hears of it. */
const sendRetry = { initialRetryTime: 20, maxRetryTime: 1_000, retries: 8 };
/**
 * What follows a commit or a fence finds CONCURRENT_TRANSACTIONS until the markers are written, for some ms to some hundred.
 * Nothing has been changed then. kafkajs waits 0.3 s each time, not long enough in all, and for offsets not at all.
 */
const comesAgain: ReadonlySet<string | undefined> = new Set([
  'CONCURRENT_TRANSACTIONS',
  'GROUP_LOAD_IN_PROGRESS',
  'NOT_COORDINATOR_FOR_GROUP',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
]);
const betweenTriesMs = 10;

/**
 * Opens a transactional writer on kafkajs, and fences. `connect()` sends no InitProducerId, the first transaction does: so
 * an empty one is begun and aborted (which sends nothing more). Without it the former owner's send, offsets and commit
 * would still be taken after its heir has read the offsets: twice the output.
 */
export async function transact(
  options: ResolvedKafkaOptions,
  clock: Clock,
  places: TopicPlaces,
  { transactionalId, clientId, timeoutMs = defaultTimeoutMs }: TransactOptions,
): Promise<TransactionalProducer> {
  requireText('transactionalId', transactionalId);
  requireInteger('timeoutMs', timeoutMs, 1);
  const kafka = kafkaClient(options, clientId);
  const doing = `open the transactional writer ${transactionalId}`;
  const client = await patiently(clock, options.startPatienceMs, doing, options.brokers, () =>
    open(kafka, options, clock, doing, transactionalId, timeoutMs),
  );
  return new TransactionalWriter(new KafkaTransactionLink(options, clock, places, transactionalId, client));
}

async function open(
  kafka: Kafka,
  options: ResolvedKafkaOptions,
  clock: Clock,
  doing: string,
  transactionalId: string,
  transactionTimeout: number,
): Promise<KafkaJsProducer> {
  const client = kafka.producer({
    transactionalId,
    transactionTimeout,
    allowAutoTopicCreation: false,
    retry: sendRetry,
    createPartitioner: ownPartitioner,
  }); // `idempotent` would make connect() ask for a second producer id, which no transaction uses
  const fence = async (): Promise<void> => {
    await client.connect();
    await (await again(clock, options.requestTimeoutMs, () => client.transaction())).abort();
  };
  try {
    await inTime(clock, options.startPatienceMs + options.requestTimeoutMs, doing, fence());
    return client;
  } catch (error) {
    void atMost(clock, closePatienceMs, client.disconnect());
    throw error;
  }
}

/**
 * One kafkajs producer. A failed commit or abort leaves its state machine stuck for good, and one that was fenced fails
 * in all it does; TransactionalWriter spends it then. A refused record changes nothing: the broker has taken no sequence
 * number, and the transaction goes on.
 */
class KafkaTransactionLink implements TransactionLink {
  readonly transactionalId: string;
  readonly #options: ResolvedKafkaOptions;
  readonly #clock: Clock;
  readonly #places: TopicPlaces;
  readonly #client: KafkaJsProducer;
  #transaction: KafkaJsTransaction | undefined;

  constructor(options: ResolvedKafkaOptions, clock: Clock, places: TopicPlaces, transactionalId: string, client: KafkaJsProducer) {
    this.transactionalId = transactionalId;
    this.#options = options;
    this.#clock = clock;
    this.#places = places;
    this.#client = client;
  }

  /** Asks nothing: the producer id is there since the fence. */
  async begin(): Promise<void> {
    await this.#ask('begin a transaction', async () => {
      this.#transaction = await this.#client.transaction();
    });
  }

  async send(topic: string, partition: number, records: readonly OutputRecord[]): Promise<bigint> {
    return this.#ask(`write to ${formatPartition({ topic, partition })}`, async (transaction) => {
      await this.#places.check(topic, partition);
      return this.#again(() => write(transaction(), this.#options, topic, partition, records));
    }).catch((error: unknown) => {
      if (isStreamError(error) && error.code === 'unknown_topic') this.#places.forget(topic);
      throw error;
    });
  }

  async storeOffsets(groupId: string, offsets: readonly StoredOffset[]): Promise<void> {
    const topics = byTopic(offsets, ({ partition, offset, metadata }) => ({ partition, offset: String(offset), metadata }));
    await this.#ask(`store offsets of group ${groupId}`, (transaction) =>
      this.#again(() => transaction().sendOffsets({ consumerGroupId: groupId, topics })),
    );
  }

  async commit(): Promise<void> {
    await this.#ask('commit', (transaction) => transaction().commit());
  }

  async abort(): Promise<void> {
    await this.#ask('abort', (transaction) => transaction().abort());
  }

  async disconnect(): Promise<void> {
    await atMost(this.#clock, closePatienceMs, this.#client.disconnect());
  }

  #again<T>(request: () => Promise<T>): Promise<T> {
    return again(this.#clock, this.#options.requestTimeoutMs, request);
  }

  async #ask<T>(what: string, request: (transaction: () => KafkaJsTransaction) => Promise<T>): Promise<T> {
    const doing = `${what} as ${this.transactionalId}`;
    const transaction = (): KafkaJsTransaction => {
      if (!this.#transaction) throw new TransportError('transport_failed', `cannot ${doing}: no transaction was begun`);
      return this.#transaction;
    };
    try {
      return await inTime(this.#clock, this.#options.startPatienceMs + this.#options.requestTimeoutMs, doing, request(transaction));
    } catch (error) {
      throw toTransportError(error, doing, this.#options.brokers);
    }
  }
}

async function again<T>(clock: Clock, patienceMs: number, request: () => Promise<T>): Promise<T> {
  const giveUpMs = clock.nowMs() + patienceMs;
  for (;;) {
    try {
      return await request();
    } catch (error) {
      if (!comesAgain.has(protocolTypeOf(error)) || clock.nowMs() > giveUpMs) throw error;
      await sleep(clock, betweenTriesMs);
    }
  }
}
