import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { setTimeout as wait } from 'node:timers/promises';
import { ConfigResourceTypes } from 'kafkajs';
import type { Consumer } from '../../src/transport/transport.ts';
import { lendCluster } from '../../src/transport/kafka/group-connection.ts';
import { kafkaClient } from '../../src/transport/kafka/kafka-client.ts';
import { KafkaConsumer } from '../../src/transport/kafka/kafka-consumer.ts';
import { loadKafkaJs } from '../../src/transport/kafka/kafkajs.ts';
import { resolveKafkaOptions } from '../../src/transport/kafka/kafka-options.ts';

/** What tests do to a broker behind a transport's back. */
export interface KafkaHooks {
  freshName(prefix: string): string;
  /** Sends a LeaveGroup in the consumer's name: the broker forgets it as if its session had ended. It notices 1 s later. */
  expel(consumer: Consumer): Promise<void>;
  /** Stops a consumer's heartbeats, and with them its fetches, for a while, as a stopped process would. */
  freeze(consumer: Consumer, forMs: number): void;
  truncate(topic: string, partition: number, before: bigint): Promise<void>;
  setCompacted(topic: string): Promise<void>;
  /** An aborted transaction: its record and its marker take offsets that nobody can read. */
  leaveGap(topic: string, partition: number): Promise<void>;
  /** What a group has committed, as text; -1 for nothing. */
  committed(groupId: string, topic: string): Promise<readonly string[]>;
}

const unawareMs = 1_000; // a cut-off member that comes back at once would get its partitions back before anybody else asks

const frozen = new Map<string, Promise<void>>();

function membershipOf(consumer: Consumer): { readonly groupId: string; readonly memberId: string } {
  if (!(consumer instanceof KafkaConsumer)) throw new Error('not a consumer of the Kafka transport');
  const { groupId, memberId } = consumer.membership;
  if (memberId === null) throw new Error('the consumer is in no group');
  return { groupId, memberId };
}

function freeze(memberId: string, forMs: number): void {
  loadKafkaJs();
  const { prototype } = createRequire(import.meta.url)('kafkajs/src/consumer/consumerGroup') as {
    prototype: { heartbeat(this: { readonly memberId: string | null }, options: unknown): Promise<void>; frozen?: true };
  };
  if (!prototype.frozen) {
    const { heartbeat } = prototype;
    prototype.frozen = true;
    prototype.heartbeat = async function (options) {
      await frozen.get(this.memberId ?? '');
      await heartbeat.call(this, options);
    };
  }
  frozen.set(memberId, wait(forMs));
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
      const { groupId, memberId } = membershipOf(consumer);
      const { lender, cluster } = lendCluster(client, groupId);
      await lender.connect();
      await cluster.refreshMetadata();
      const coordinator = await cluster.findGroupCoordinator({ groupId });
      freeze(memberId, unawareMs);
      await coordinator.leaveGroup({ groupId, memberId });
      await lender.disconnect();
    },
    freeze: (consumer, forMs) => {
      freeze(membershipOf(consumer).memberId, forMs);
    },
    truncate: (topic, partition, before) =>
      asAdmin(async (admin) => {
        await admin.fetchTopicMetadata({ topics: [topic] }); // kafkajs needs to have seen the topic
        await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(before) }] });
      }),
    setCompacted: (topic) =>
      asAdmin(async (admin) => {
        const configEntries = [{ name: 'cleanup.policy', value: 'compact' }];
        await admin.alterConfigs({ validateOnly: false, resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries }] });
      }),
    leaveGap: async (topic, partition) => {
      const producer = client.producer({
        transactionalId: `gap-${randomUUID()}`,
        maxInFlightRequests: 1,
        retry: { retries: 20 },
        createPartitioner: () => () => partition,
      });
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
