import { randomUUID } from 'node:crypto';
import type { Consumer } from '../../src/transport/transport.ts';
import { lendCluster } from '../../src/transport/kafka/group-connection.ts';
import { kafkaClient } from '../../src/transport/kafka/kafka-client.ts';
import { KafkaConsumer } from '../../src/transport/kafka/kafka-consumer.ts';
import { resolveKafkaOptions } from '../../src/transport/kafka/kafka-options.ts';

/** What tests do to a broker behind a transport's back. */
export interface KafkaHooks {
  freshName(prefix: string): string;
  /** Sends a LeaveGroup in the consumer's name: the broker forgets it as if its session had ended. */
  expel(consumer: Consumer): Promise<void>;
  truncate(topic: string, partition: number, before: bigint): Promise<void>;
  /** An aborted transaction: its record and its marker take offsets that nobody can read. */
  leaveGap(topic: string, partition: number): Promise<void>;
  /** What a group has committed, as text; -1 for nothing. */
  committed(groupId: string, topic: string): Promise<readonly string[]>;
}

export function kafkaHooks(brokers: readonly string[]): KafkaHooks {
  const client = kafkaClient(resolveKafkaOptions({ brokers }), 'tests');
  const asAdmin = async <T>(work: (admin: ReturnType<typeof client.admin>) => Promise<T>): Promise<T> => {
    const admin = client.admin();
    await admin.connect();
    try {
      return await work(admin);
    } finally {
      await admin.disconnect();
    }
  };
  return {
    freshName: (prefix) => `${prefix}-${randomUUID().slice(0, 8)}`,
    expel: async (consumer) => {
      if (!(consumer instanceof KafkaConsumer)) throw new Error('not a consumer of the Kafka transport');
      const { groupId, memberId } = consumer.membership;
      if (memberId === null) throw new Error('the consumer is in no group');
      const { lender, cluster } = lendCluster(client, groupId);
      await lender.connect();
      await cluster.refreshMetadata();
      const coordinator = await cluster.findGroupCoordinator({ groupId });
      await coordinator.leaveGroup({ groupId, memberId });
      await lender.disconnect();
    },
    truncate: (topic, partition, before) => asAdmin((admin) => admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(before) }] })),
    leaveGap: async (topic, partition) => {
      const producer = client.producer({ transactionalId: `gap-${randomUUID()}`, maxInFlightRequests: 1, retry: { retries: 20 }, createPartitioner: () => () => partition });
      await producer.connect();
      const transaction = await producer.transaction();
      await transaction.send({ topic, messages: [{ partition, value: 'never seen' }] });
      await transaction.abort();
      await producer.disconnect();
    },
    committed: (groupId, topic) =>
      asAdmin(async (admin) => {
        const [found] = await admin.fetchOffsets({ groupId, topics: [topic] });
        return (found?.partitions ?? []).sort((a, b) => a.partition - b.partition).map(({ offset }) => offset);
      }),
  };
}
