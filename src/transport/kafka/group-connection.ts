import type { Consumer, Kafka } from 'kafkajs';
import { formatPartition, parsePartition } from '../../record/record.ts';
import type { OffsetCommit, TopicPartition } from '../transport.ts';
import type { BrokerInternals, ClusterInternals } from './internals.ts';
import type { StartFacts } from './start-offset.ts';

/** A member as the broker lists it, in the middle of a rebalance too; one that has only been given its id is not listed yet. */
export interface ListedMember {
  readonly memberId: string;
  readonly clientId: string;
}

/**
 * A group's offsets, over connections of its own: a broker answers a connection in order, so on the member's own one a
 * commit waits as long as a JoinGroup does (1.9 s measured, against 36 ms). kafkajs has no public way to the requests
 * needed; it hands its cluster to assigners, so a consumer that never runs lends one.
 */
export class GroupConnection {
  readonly #groupId: string;
  readonly #lender: Consumer;
  readonly #cluster: ClusterInternals;
  #coordinator: Promise<BrokerInternals> | undefined;

  private constructor(groupId: string, lender: Consumer, cluster: ClusterInternals) {
    this.#groupId = groupId;
    this.#lender = lender;
    this.#cluster = cluster;
  }

  /** @throws whatever kafkajs throws, when the cluster is not there or has not these topics */
  static async open(kafka: Kafka, groupId: string, topics: readonly string[]): Promise<GroupConnection> {
    const { lender, cluster } = lendCluster(kafka, groupId);
    try {
      await lender.connect();
      await lender.subscribe({ topics: [...topics], fromBeginning: true });
      return new GroupConnection(groupId, lender, cluster);
    } catch (error) {
      await lender.disconnect().catch(() => undefined);
      throw error;
    }
  }

  /** How many partitions the topics had when they were last asked for; those that are not known are absent. */
  partitionCounts(topics: readonly string[]): ReadonlyMap<string, number> {
    const counts = topics.map((topic) => [topic, this.#cluster.findTopicPartitionMetadata(topic).length] as const);
    return new Map(counts.filter(([, count]) => count > 0));
  }

  /** Stores offsets as this member in this generation, all or none; the broker refuses a member that it does not know. */
  async commit(memberId: string, generation: number, offsets: readonly OffsetCommit[]): Promise<void> {
    const topics = byTopic(offsets, ({ partition, offset, metadata }) => ({ partition, offset: String(offset), metadata }));
    await this.#withCoordinator((broker) =>
      broker.offsetCommit({ groupId: this.#groupId, memberId, groupGenerationId: generation, topics }),
    );
  }

  /** Whether the group knows this member in this generation; the broker's refusal is thrown. */
  async heartbeat(memberId: string, generation: number): Promise<void> {
    await this.#withCoordinator((broker) => broker.heartbeat({ groupId: this.#groupId, memberId, groupGenerationId: generation }));
  }

  /** Ends a membership, also one whose process is gone: the id is all the broker asks for. */
  async leave(memberId: string): Promise<void> {
    await this.#withCoordinator((broker) => broker.leaveGroup({ groupId: this.#groupId, memberId }));
  }

  async members(): Promise<readonly ListedMember[]> {
    const { groups } = await this.#withCoordinator((broker) => broker.describeGroups({ groupIds: [this.#groupId] }));
    return groups.flatMap(({ members }) => members.map(({ memberId, clientId }) => ({ memberId, clientId })));
  }

  /** What is committed, and where the log begins and ends, by `topic/partition`. */
  async starts(partitions: readonly TopicPartition[]): Promise<ReadonlyMap<string, StartFacts & { readonly metadata: string }>> {
    const topics = byTopic(partitions, ({ partition }) => ({ partition }));
    try {
      const committed = new Map<string, { readonly offset: bigint; readonly metadata: string }>();
      const { responses } = await this.#withCoordinator((broker) => broker.offsetFetch({ groupId: this.#groupId, topics }));
      for (const { topic, partitions: parts } of responses) {
        for (const { partition, offset, metadata } of parts)
          committed.set(formatPartition({ topic, partition }), { offset: BigInt(offset), metadata: metadata ?? '' });
      }
      const [low, high] = [await ends(this.#cluster, topics, true), await ends(this.#cluster, topics, false)];
      const stable = await ends(seeingCommitted(this.#cluster), topics, false);
      return new Map(
        partitions.map((one) => {
          const key = formatPartition(one);
          const { offset = -1n, metadata = '' } = committed.get(key) ?? {};
          return [key, { committed: offset, metadata, low: known(low, key), high: known(high, key), stable: known(stable, key) }];
        }),
      );
    } catch (error) {
      await this.#cluster.refreshMetadata().catch(() => undefined); // a leader may have moved
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#lender.disconnect();
  }

  async #withCoordinator<T>(ask: (broker: BrokerInternals) => Promise<T>): Promise<T> {
    this.#coordinator ??= this.#cluster.findGroupCoordinator({ groupId: this.#groupId });
    const used = this.#coordinator;
    try {
      return await ask(await used);
    } catch (error) {
      if (this.#coordinator === used) this.#coordinator = undefined; // it may be another broker now
      throw error;
    }
  }
}

async function ends(
  cluster: ClusterInternals,
  topics: ReturnType<typeof byTopic<TopicPartition, { partition: number }>>,
  fromBeginning: boolean,
): Promise<ReadonlyMap<string, bigint>> {
  const found = await cluster.fetchTopicsOffset(topics.map((one) => ({ ...one, fromBeginning })));
  return new Map(
    found.flatMap(({ topic, partitions }) =>
      partitions.map(({ partition, offset }) => [formatPartition({ topic, partition }), BigInt(offset)] as const),
    ),
  );
}

/** The same cluster and its connections, with another notion of the end. */
const seeingCommitted = (cluster: ClusterInternals): ClusterInternals =>
  Object.create(cluster, { isolationLevel: { value: 1 } }) as ClusterInternals;

/** A consumer that is never run, for the cluster object that kafkajs hands to assigners. */
export function lendCluster(kafka: Kafka, groupId: string): { readonly lender: Consumer; readonly cluster: ClusterInternals } {
  let lent: ClusterInternals | undefined;
  const lender = kafka.consumer({
    groupId,
    allowAutoTopicCreation: false,
    readUncommitted: true, // the end of the log, not of what is decided
    partitionAssigners: [
      ({ cluster }) => {
        lent = cluster as unknown as ClusterInternals;
        return {
          name: 'lender',
          version: 0,
          assign: () => Promise.resolve([]),
          protocol: () => ({ name: 'lender', metadata: Buffer.alloc(0) }),
        };
      },
    ],
  });
  if (!lent) throw new Error('kafkajs handed no cluster to the assigner');
  return { lender, cluster: lent };
}

export function byTopic<P extends TopicPartition, T>(
  partitions: readonly P[],
  map: (partition: P) => T,
): { topic: string; partitions: T[] }[] {
  const topics = new Map<string, T[]>();
  for (const one of partitions) {
    const list = topics.get(one.topic);
    if (list) list.push(map(one));
    else topics.set(one.topic, [map(one)]);
  }
  return [...topics].map(([topic, parts]) => ({ topic, partitions: parts }));
}

function known(ends: ReadonlyMap<string, bigint>, key: string): bigint {
  const offset = ends.get(key);
  if (offset !== undefined) return offset;
  const { topic, partition } = parsePartition(key);
  throw new Error(`the brokers did not say where partition ${String(partition)} of ${topic} begins and ends`);
}
