import type { Admin } from 'kafkajs';
import { atMost, type Clock, sleep } from '../../clock.ts';
import { requireInteger, requireText, TransportError } from '../../errors.ts';
import type { NewTopic, TopicDescription } from '../transport.ts';
import { lendCluster } from './group-connection.ts';
import type { ClusterInternals } from './internals.ts';
import { loadKafkaJs } from './kafkajs.ts';
import { kafkaClient } from './kafka-client.ts';
import { protocolTypeOf, toTransportError } from './kafka-errors.ts';
import type { ResolvedKafkaOptions } from './kafka-options.ts';
import { patiently } from './patience.ts';

const closePatienceMs = 3_000;
const leadersPatienceMs = 15_000;
const betweenLooksMs = 50;

/** What is known of these topics; missing ones are absent. Opens a connection for each call: one that lives remembers topics that are gone. */
export function describeTopics(
  options: ResolvedKafkaOptions,
  clock: Clock,
  names: readonly string[],
): Promise<ReadonlyMap<string, TopicDescription>> {
  return patiently(clock, options.startPatienceMs, 'describe topics', options.brokers, () =>
    withCluster(options, clock, async (cluster) => {
      const found = new Map<string, TopicDescription>();
      for (const name of new Set(names)) {
        const description = await describeTopic(cluster, name);
        if (description) found.set(name, description);
      }
      return found;
    }),
  );
}

const cleanupPolicy = 'cleanup.policy';

/**
 * Those of these topics that are compacted. Each is asked for alone, as one that is refused would take the others' answers with it;
 * one of which the broker does not say it (that takes the right DescribeConfigs, and a broker that knows the request) is left out.
 */
export function compactedTopics(options: ResolvedKafkaOptions, clock: Clock, names: readonly string[]): Promise<ReadonlySet<string>> {
  return patiently(clock, options.startPatienceMs, 'ask whether topics are compacted', options.brokers, () =>
    withAdmin(options, clock, async (admin) => {
      const found = await Promise.all(
        [...new Set(names)].map(async (name) => ({ name, policy: await policyOf(admin, name, options.brokers) })),
      );
      return new Set(found.flatMap(({ name, policy }) => (policy.split(',').includes('compact') ? [name] : [])));
    }),
  );
}

async function policyOf(admin: Admin, name: string, brokers: readonly string[]): Promise<string> {
  try {
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: loadKafkaJs().ConfigResourceTypes.TOPIC, name, configNames: [cleanupPolicy] }],
    });
    return resources[0]?.configEntries.find(({ configName }) => configName === cleanupPolicy)?.configValue ?? '';
  } catch (error) {
    if (toTransportError(error, 'ask for a topic', brokers).code === 'transport_unavailable') throw error;
    return '';
  }
}

async function describeTopic(cluster: ClusterInternals, topic: string): Promise<TopicDescription | undefined> {
  try {
    await cluster.addMultipleTargetTopics([topic]);
  } catch (error) {
    const type = protocolTypeOf(error);
    if (type === 'UNKNOWN_TOPIC_OR_PARTITION' || type === 'INVALID_TOPIC_EXCEPTION') return undefined;
    throw error;
  }
  const partitions = cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => ({ partition: partitionId }));
  const [low, high] = await Promise.all([ends(cluster, topic, partitions, true), ends(cluster, topic, partitions, false)]);
  return {
    partitions: partitions
      .map(({ partition }) => ({ partition, low: low.get(partition) ?? 0n, high: high.get(partition) ?? 0n }))
      .sort((a, b) => a.partition - b.partition),
  };
}

async function ends(
  cluster: ClusterInternals,
  topic: string,
  partitions: readonly { readonly partition: number }[],
  fromBeginning: boolean,
): Promise<ReadonlyMap<number, bigint>> {
  const found = await cluster.fetchTopicsOffset([{ topic, fromBeginning, partitions }]);
  return new Map(found.flatMap((one) => one.partitions.map(({ partition, offset }) => [partition, BigInt(offset)] as const)));
}

/**
 * Creates what is missing. A broker that has just started says that it knows a topic not which it has just made, and
 * the brokers of a cluster learn of a topic one after the other: so it is done when each of them knows all leaders.
 */
export async function createTopics(options: ResolvedKafkaOptions, clock: Clock, topics: readonly NewTopic[]): Promise<void> {
  for (const { name, partitions } of topics) {
    requireText('topic name', name);
    if (partitions !== undefined) requireInteger(`partitions of ${name}`, partitions, 1);
  }
  const wanted = [...new Map(topics.map((topic) => [topic.name, topic])).values()];
  if (wanted.length === 0) return;
  await patiently(clock, options.startPatienceMs, 'create topics', options.brokers, () =>
    withAdmin(options, clock, async (admin) => {
      for (const topic of wanted) await createTopic(admin, topic);
    }),
  );
  await untilLed(
    options,
    clock,
    wanted.map(({ name }) => name),
  );
}

/** One at a time: kafkajs tells of several failures as one. */
async function createTopic(admin: Admin, { name: topic, partitions: numPartitions, compacted = false }: NewTopic): Promise<void> {
  const numbered = numPartitions === undefined ? {} : { numPartitions };
  const configured = compacted ? { configEntries: [{ name: cleanupPolicy, value: 'compact' }] } : {};
  try {
    await admin.createTopics({ topics: [{ topic, ...numbered, ...configured }], waitForLeaders: false });
  } catch (error) {
    if (protocolTypeOf(error) !== 'TOPIC_ALREADY_EXISTS') throw error;
  }
}

async function untilLed(options: ResolvedKafkaOptions, clock: Clock, names: readonly string[]): Promise<void> {
  const giveUpMs = clock.nowMs() + leadersPatienceMs;
  for (;;) {
    try {
      await withCluster(options, clock, (cluster) => everyBrokerKnows(cluster, names));
      return;
    } catch (error) {
      const failure = toTransportError(error, 'create topics', options.brokers);
      const passes = failure.code === 'transport_unavailable' || failure.code === 'unknown_topic';
      if (!passes) throw failure;
      if (clock.nowMs() > giveUpMs)
        throw new TransportError(
          'transport_unavailable',
          `the topics ${names.join(', ')} were created, but not all brokers know them yet`,
          { cause: error },
        );
      await sleep(clock, betweenLooksMs);
    }
  }
}

/** Throws the broker's answer (UNKNOWN_TOPIC_OR_PARTITION, LEADER_NOT_AVAILABLE) while one does not. */
async function everyBrokerKnows(cluster: ClusterInternals, names: readonly string[]): Promise<void> {
  for (const nodeId of cluster.getNodeIds()) {
    const broker = await cluster.findBroker({ nodeId });
    for (const name of names) await broker.metadata([name]);
  }
}

/** Over a connection of its own, and without the caches of one that lives. */
export async function withCluster<T>(
  options: ResolvedKafkaOptions,
  clock: Clock,
  work: (cluster: ClusterInternals) => Promise<T>,
): Promise<T> {
  const { lender, cluster } = lendCluster(kafkaClient(options), 'millrace-topics');
  try {
    await lender.connect();
    await cluster.refreshMetadata();
    return await work(cluster);
  } finally {
    await atMost(clock, closePatienceMs, lender.disconnect());
  }
}

async function withAdmin<T>(options: ResolvedKafkaOptions, clock: Clock, work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = kafkaClient(options).admin();
  try {
    await admin.connect();
    return await work(admin);
  } finally {
    await atMost(clock, closePatienceMs, admin.disconnect());
  }
}
