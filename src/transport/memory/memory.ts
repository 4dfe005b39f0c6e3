import { type OptionNames, requireOptions } from '../../check-options.ts';
import { systemClock } from '../../clock.ts';
import { OptionError, requireInteger, requireNumber, requireOneOf, requireText } from '../../errors.ts';
import { formatPartition } from '../../record/record.ts';
import type {
  ConsumeHandlers,
  Consumer,
  ConsumeOptions,
  NewTopic,
  Producer,
  StoredOffset,
  TopicDescription,
  TopicPartition,
  TransactionalProducer,
  TransactOptions,
  Transport,
  TransportOptions,
} from '../transport.ts';
import { TransactionalWriter } from '../transactional-writer.ts';
import { Broker } from './broker.ts';
import { BrokerControl } from './broker-control.ts';
import { MemoryConsumer } from './memory-consumer.ts';
import { MemoryProducer } from './memory-producer.ts';
import { TransactionCoordinator } from './transaction-coordinator.ts';

export interface MemoryOptions extends TransportOptions {
  /** Partitions of a topic that is created without a number. @defaultValue 1 */
  readonly partitions?: number;
  /**
   * Bytes that a partition keeps: keys, values, headers, and 64 for each record. The oldest records go first, **read
   * or not**, as in Kafka. Lower it for a broker that runs for long, raise it for a backlog that must not be lost.
   * @defaultValue 256 MiB
   */
  readonly retentionBytes?: number;
  /** Most bytes of one send, counted as above; like Kafka's `message.max.bytes` it bounds the batch. @defaultValue 1 MiB */
  readonly maxRecordBytes?: number;
  /** Most records of one delivery. @defaultValue 1,000 */
  readonly maxFetchRecords?: number;
  /** How long a member may take to let partitions go before they are taken from it as lost. @defaultValue as long as it needs */
  readonly revokeTimeoutMs?: number;
}

/** A transport whose broker is at hand. */
export interface MemoryTransport extends Transport {
  readonly broker: BrokerControl;
}

const defaults = {
  partitions: 1, // Kafka's num.partitions
  retentionBytes: 256 * 2 ** 20, // a million records of 200 bytes, which is the backlog people try first
  maxRecordBytes: 2 ** 20, // Kafka's message.max.bytes, about
  maxFetchRecords: 1000,
  maxFetchBytes: 2 ** 18, // as the port says
  transactionTimeoutMs: 60_000, // as the port says, and Kafka's clients do
} as const;

const names: OptionNames<MemoryOptions> = {
  partitions: true,
  retentionBytes: true,
  maxRecordBytes: true,
  maxFetchRecords: true,
  revokeTimeoutMs: true,
  clock: true,
};

class EmbeddedTransport implements MemoryTransport {
  readonly name = 'memory';
  readonly broker: BrokerControl;
  readonly #broker: Broker;
  readonly #transactions: TransactionCoordinator;
  readonly #maxFetchRecords: number;
  readonly #revokeTimeoutMs: number | undefined;

  constructor(broker: Broker, maxFetchRecords: number, revokeTimeoutMs: number | undefined) {
    this.#broker = broker;
    this.#transactions = new TransactionCoordinator(broker);
    this.broker = new BrokerControl(broker, this.#transactions);
    this.#maxFetchRecords = maxFetchRecords;
    this.#revokeTimeoutMs = revokeTimeoutMs;
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- so that what is thrown rejects
  async consume(options: ConsumeOptions, handlers: ConsumeHandlers): Promise<Consumer> {
    const { groupId, topics, from, maxFetchBytes = defaults.maxFetchBytes } = options;
    requireText('groupId', groupId);
    requireOneOf('from', from, ['earliest', 'latest']);
    requireInteger('maxFetchBytes', maxFetchBytes, 1);
    if (topics.length === 0) throw new OptionError('topics must name at least one topic, got none');
    this.#broker.requireUp();
    for (const topic of topics) this.#broker.topic(topic);
    return new MemoryConsumer(
      this.#broker,
      { ...options, maxFetchBytes, maxFetchRecords: this.#maxFetchRecords, revokeTimeoutMs: this.#revokeTimeoutMs },
      handlers,
    );
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- so that what is thrown rejects
  async produce(): Promise<Producer> {
    this.#broker.requireUp();
    return new MemoryProducer(this.#broker);
  }

  async transact({ transactionalId, timeoutMs = defaults.transactionTimeoutMs }: TransactOptions): Promise<TransactionalProducer> {
    requireText('transactionalId', transactionalId);
    requireInteger('timeoutMs', timeoutMs, 1);
    const transactions = this.#transactions;
    const writer = await transactions.fence(transactionalId, timeoutMs);
    return new TransactionalWriter({
      transactionalId,
      begin: () => transactions.begin(writer),
      send: (topic, partition, records) => transactions.send(writer, topic, partition, records),
      storeOffsets: (groupId, offsets) => transactions.storeOffsets(writer, groupId, offsets),
      commit: () => transactions.commit(writer),
      abort: () => transactions.abort(writer),
      disconnect: () => Promise.resolve(),
    });
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- so that what is thrown rejects
  async committed(groupId: string, partitions: readonly TopicPartition[]): Promise<readonly StoredOffset[]> {
    requireText('groupId', groupId);
    this.#broker.requireUp();
    return partitions.flatMap(({ topic, partition }) => {
      const known = this.#broker.group(groupId).committed(formatPartition({ topic, partition }));
      return known ? [{ topic, partition, ...known }] : [];
    });
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- so that what is thrown rejects
  async describeTopics(names: readonly string[]): Promise<ReadonlyMap<string, TopicDescription>> {
    this.#broker.requireUp();
    const found = names.flatMap((name) => {
      const logs = this.#broker.findTopic(name);
      return logs ? [[name, { partitions: logs.map(({ low, high }, partition) => ({ partition, low, high })) }] as const] : [];
    });
    return new Map(found);
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- so that what is thrown rejects
  async compactedTopics(names: readonly string[]): Promise<ReadonlySet<string>> {
    this.#broker.requireUp();
    return new Set(names.filter((name) => this.#broker.compacted.has(name)));
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- so that what is thrown rejects
  async createTopics(topics: readonly NewTopic[]): Promise<void> {
    this.#broker.requireUp();
    for (const topic of topics) this.#broker.createTopic(topic);
  }

  /** Nothing to end: the log lives as long as somebody holds this object, and other users of it may go on. */
  close(): Promise<void> {
    return Promise.resolve();
  }
}

/**
 * A broker within the process, for tests, demos and small programs: topics with partitions, byte-exact records,
 * consumer groups with cooperative rebalances, committed offsets with metadata, transactions. Everything is gone when the process ends.
 *
 * Everybody who is given the result speaks to one broker. Answers come in microtasks, deliveries through the clock, so
 * the whole also runs in virtual time; up to 16 deliveries leave in one turn of the event loop. `broker` takes it down,
 * loses answers, expels members, truncates and compacts.
 *
 * Holds `retentionBytes` per partition, what groups have committed, and an entry per transactional id.
 * @throws OptionError for an option out of range
 */
export function memory(options: MemoryOptions = {}): MemoryTransport {
  requireOptions('memory', options, names);
  const {
    clock = systemClock,
    partitions = defaults.partitions,
    retentionBytes = defaults.retentionBytes,
    maxRecordBytes = defaults.maxRecordBytes,
    maxFetchRecords = defaults.maxFetchRecords,
    revokeTimeoutMs,
  } = options;
  requireInteger('partitions', partitions, 1, 10_000);
  requireInteger('retentionBytes', retentionBytes, 1);
  requireInteger('maxRecordBytes', maxRecordBytes, 1);
  requireInteger('maxFetchRecords', maxFetchRecords, 1);
  if (revokeTimeoutMs !== undefined) requireNumber('revokeTimeoutMs', revokeTimeoutMs, 0);
  return new EmbeddedTransport(new Broker({ clock, partitions, retentionBytes, maxRecordBytes }), maxFetchRecords, revokeTimeoutMs);
}
