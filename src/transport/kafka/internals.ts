/** The parts of kafkajs 2.2.4 that its types do not show and that we rely on: plain fields and methods, read in its source. */

export interface TopicPartitions {
  readonly topic: string;
  readonly partitions: readonly number[];
}

/** `ConsumerGroup`: one membership, from `run` to `stop`. */
export interface GroupInternals {
  /** Null before the first join and after an expulsion. */
  memberId: string | null;
  readonly generationId: number;
  /** Made anew by each join. Next offset to fetch by topic and partition, as text. */
  readonly offsetManager: { readonly resolvedOffsets: Record<string, Record<number, string>> } | null;
  /** Unlike consumer.pause it never throws, and it lasts over joins (not over crashes). */
  readonly subscriptionState: {
    pause(partitions: readonly TopicPartitions[]): void;
    resume(partitions: readonly TopicPartitions[]): void;
  };
  readonly assigners: readonly { readonly millrace?: GroupListener }[];
  assigned(): readonly TopicPartitions[];
  isLeader(): boolean;
  /** Sends one if the last was `interval` ms ago, by the wall clock. */
  /** One fetch from one broker. */
  fetch: (this: GroupInternals, nodeId: string) => Promise<readonly FetchedBatch[]>;
  heartbeat: (this: GroupInternals, options: { readonly interval: number }) => Promise<void>;
  joinAndSync: (this: GroupInternals) => Promise<void>;
  leave: (this: GroupInternals) => Promise<void>;
  recoverFromOffsetOutOfRange: (this: GroupInternals, error: { readonly topic: string; readonly partition: number }) => Promise<void>;
}

/** `Batch`: what one fetch has brought of one partition. */
export interface FetchedBatch {
  readonly topic: string;
  readonly partition: number;
  readonly fetchedOffset: string;
  readonly highWatermark: string;
  /** As the answer had them. */
  readonly rawMessages: object;
  /** Nothing for anybody to see; what was read may still hold ends of transactions and the like. */
  isEmpty(): boolean;
  isEmptyDueToFiltering(): boolean;
  lastOffset(): string;
}

/** What the patched group tells; it is found through the assigner that carries it. */
export interface GroupListener {
  beforeJoin(group: GroupInternals): void;
  afterSync(group: GroupInternals): void;
  /** A heartbeat is sent, or one that is under way is waited for; and that is over. */
  heartbeat(underWay: boolean): void;
  /** A fetch was answered; batches that are empty are told to nobody else. */
  fetched(batches: readonly FetchedBatch[]): void;
  outOfRange(group: GroupInternals, topic: string, partition: number): void;
}

export interface ClusterInternals {
  /** What `fetchTopicsOffset` takes for the end: 0 that of the log, 1 that of what can be read. */
  readonly isolationLevel: number;
  findTopicPartitionMetadata(topic: string): readonly { readonly partitionId: number }[];
  addMultipleTargetTopics(topics: readonly string[]): Promise<void>;
  refreshMetadata(): Promise<void>;
  getNodeIds(): readonly string[];
  findBroker(node: { readonly nodeId: string }): Promise<BrokerInternals>;
  findGroupCoordinator(group: { readonly groupId: string }): Promise<BrokerInternals>;
  fetchTopicsOffset(topics: readonly TopicOffsetsRequest[]): Promise<readonly TopicOffsets[]>;
}

interface TopicOffsetsRequest {
  readonly topic: string;
  readonly fromBeginning: boolean;
  readonly partitions: readonly { readonly partition: number }[];
}

interface TopicOffsets {
  readonly topic: string;
  readonly partitions: readonly { readonly partition: number; readonly offset: string; readonly metadata?: string | null }[];
}

export interface BrokerInternals {
  metadata(topics: readonly string[]): Promise<unknown>;
  heartbeat(request: { readonly groupId: string; readonly groupGenerationId: number; readonly memberId: string }): Promise<unknown>;
  /** Throws the broker's answer when it refuses. */
  describeGroups(request: { readonly groupIds: readonly string[] }): Promise<{
    readonly groups: readonly { readonly members: readonly { readonly memberId: string; readonly clientId: string }[] }[];
  }>;
  leaveGroup(request: { readonly groupId: string; readonly memberId: string }): Promise<unknown>;
  offsetCommit(request: {
    readonly groupId: string;
    readonly memberId: string;
    readonly groupGenerationId: number;
    readonly topics: readonly {
      readonly topic: string;
      readonly partitions: readonly { readonly partition: number; readonly offset: string; readonly metadata: string }[];
    }[];
  }): Promise<unknown>;
  offsetFetch(request: {
    readonly groupId: string;
    readonly topics: readonly { readonly topic: string; readonly partitions: readonly { readonly partition: number }[] }[];
  }): Promise<{
    readonly responses: readonly TopicOffsets[];
  }>;
}
