import { type Clock } from '../../clock.ts';
import { requireText } from '../../errors.ts';
import type { StoredOffset, TopicPartition } from '../transport.ts';
import { byTopic } from './group-connection.ts';
import type { ResolvedKafkaOptions } from './kafka-options.ts';
import { withCluster } from './kafka-topics.ts';
import { patiently } from './patience.ts';

/**
 * What a group has committed. The broker leaves out what an undecided transaction has stored, and kafkajs cannot ask it to
 * wait (`require_stable`): so certainty takes a fence before.
 */
export async function fetchCommitted(
  options: ResolvedKafkaOptions,
  clock: Clock,
  groupId: string,
  partitions: readonly TopicPartition[],
): Promise<readonly StoredOffset[]> {
  requireText('groupId', groupId);
  if (partitions.length === 0) return [];
  const topics = byTopic(partitions, ({ partition }) => ({ partition }));
  return patiently(clock, options.startPatienceMs, `read what group ${groupId} has committed`, options.brokers, () =>
    withCluster(options, clock, async (cluster) => {
      const coordinator = await cluster.findGroupCoordinator({ groupId });
      const { responses } = await coordinator.offsetFetch({ groupId, topics });
      return responses.flatMap(({ topic, partitions: found }) =>
        found
          .filter(({ offset }) => BigInt(offset) >= 0n) // Kafka says -1 for nothing
          .map(({ partition, offset, metadata }) => ({ topic, partition, offset: BigInt(offset), metadata: metadata ?? '' })),
      );
    }),
  );
}
