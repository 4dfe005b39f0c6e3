import type { Clock } from '../clock.ts';
import type { OutputRecord, OwnedPartition, SourceRecord } from '../record/record.ts';

/**
 * The port between Millrace and a log. Its comments are its protocol; `test/conformance` holds them as numbered rules
 * and every transport passes them. Failures are TransportErrors: `transport_unavailable` may pass and is worth another
 * try, every other code is final.
 */
export interface Transport {
  /** For messages: `memory`, `kafka`. */
  readonly name: string;

  /**
   * Joins a consumer group and delivers until the result is closed. Resolves when the group was joined for the first
   * time (with or without partitions); rejects when the log cannot be reached within the transport's own patience, and
   * with `unknown_topic` when one of the topics does not exist.
   */
  consume(options: ConsumeOptions, handlers: ConsumeHandlers): Promise<Consumer>;

  /** Opens a writer. Writers are independent of each other. */
  produce(options?: ProduceOptions): Promise<Producer>;

  /** What is known of these topics; a topic that does not exist is absent from the result. */
  describeTopics(names: readonly string[]): Promise<ReadonlyMap<string, TopicDescription>>;

  /** Creates what is missing and leaves what exists untouched. Resolves when the topics can be written to and read. */
  createTopics(topics: readonly NewTopic[]): Promise<void>;

  /** Ends connections that are not bound to a consumer or producer. Consumers and producers are closed by their owners. */
  close(): Promise<void>;
}

export interface TopicDescription {
  readonly partitions: readonly {
    readonly partition: number /** First offset kept. */;
    readonly low: bigint /** Next offset to be written. */;
    readonly high: bigint;
  }[];
}

export interface NewTopic {
  readonly name: string;
  /** @defaultValue the transport's own, or the broker's */
  readonly partitions?: number;
}

export interface ConsumeOptions {
  readonly groupId: string;
  readonly topics: readonly string[];
  /** Where a partition starts for which the group has committed nothing. */
  readonly from: 'earliest' | 'latest';
  /** Told to the broker for its logs; also part of the member id where the log has one. */
  readonly clientId?: string;
  /** Most bytes of one delivery of one partition; a single larger record is delivered alone. @defaultValue 256 KiB */
  readonly maxFetchBytes?: number;
}

export type { OwnedPartition };

export interface Assignment extends OwnedPartition {
  /** What the group has committed, if anything. */
  readonly committed: { readonly offset: bigint; readonly metadata: string } | undefined;
  /** Where delivery begins. It differs from what was committed when that lies outside the log; then `reset` says so. */
  readonly start: bigint;
  readonly reset: 'none-committed' | 'out-of-range' | undefined;
}

/** Consecutive records of one partition, in offset order. Offsets grow; they may leave gaps. */
export interface Fetch extends OwnedPartition {
  readonly records: readonly SourceRecord[];
  /** Next offset to be written to this partition, as far as known: what lag is counted from. */
  readonly high: bigint;
}

/** What a consumer is told. Handlers are called one at a time, return at once, and must not throw. */
export interface ConsumeHandlers {
  /** Partitions are gained. Nothing of them is delivered before; they are not paused. */
  assigned(partitions: readonly Assignment[]): void;
  /**
   * Partitions are to go. Nothing more of them is delivered; commits for them are taken until the promise resolves,
   * and no other member is given them before. It must not reject.
   */
  revoking(partitions: readonly OwnedPartition[]): Promise<void>;
  /**
   * Partitions are gone without notice (session expired, fenced). Commits for them are refused from now on. The consumer
   * joins again by itself, unless it `failed`.
   */
  lost(partitions: readonly OwnedPartition[]): void;
  /** Only for epochs that are owned. After `pause`, at most one fetch that was already under way. */
  fetched(fetch: Fetch): void;
  /** The consumer waits or has trouble, and goes on by itself (`ok` again says that it is over). */
  health(state: ConsumerHealth): void;
  /** The consumer is dead and will deliver nothing more; everything it owned was reported lost. */
  failed(error: Error): void;
}

export type ConsumerHealth = { readonly state: 'ok' } | { readonly state: 'waiting' | 'reconnecting'; readonly why: string };

export interface Consumer {
  /** Stops and resumes the delivery of partitions. Idempotent; may be called at any time; unknown partitions are ignored; a new epoch begins resumed. */
  pause(partitions: readonly OwnedPartition[]): void;
  resume(partitions: readonly OwnedPartition[]): void;
  /**
   * Stores offsets (the next one to read) and metadata. Those whose epoch is over are left out and returned as
   * `fenced`; they never touch what the present owner has committed.
   * @throws TransportError when the broker cannot be reached; then nothing is known of what was stored.
   */
  commit(offsets: readonly OffsetCommit[]): Promise<{ readonly fenced: readonly OwnedPartition[] }>;
  /** Leaves the group at once, without `revoking`: the owner drains and commits before. Idempotent. */
  close(): Promise<void>;
}

export interface OffsetCommit extends OwnedPartition {
  readonly offset: bigint;
  /** At most 4,096 bytes on Kafka. */
  readonly metadata: string;
}

export interface ProduceOptions {
  readonly clientId?: string;
}

export interface Producer {
  /** @throws TransportError `unknown_topic` when there is none. The answer may be up to a minute old. */
  partitionsOf(topic: string): Promise<number>;
  /**
   * Appends records to one partition, in order, all or none, and resolves with the offset of the first when they are
   * acknowledged as durably as the log can (Kafka: all in-sync replicas). One send per partition at a time: the caller
   * waits. A try that fails may still have been written.
   * @throws TransportError `record_too_large` when the broker refuses the size; `transport_unavailable` may pass.
   */
  send(topic: string, partition: number, records: readonly OutputRecord[]): Promise<bigint>;
  /** Waits for sends under way, then disconnects. Idempotent. */
  close(): Promise<void>;
}

/** Options that every transport takes. */
export interface TransportOptions {
  /** @defaultValue the system clock */
  readonly clock?: Clock;
}
