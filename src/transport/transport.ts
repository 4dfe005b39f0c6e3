import type { Clock } from '../clock.ts';
import type { OutputRecord, OwnedPartition, SourceRecord, TopicPartition } from '../record/record.ts';

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

  /**
   * Opens a writer of transactions under a name that one owner at a time uses, and fences: when this resolves, what an
   * earlier writer of the same name was committing is committed, what it left open otherwise is aborted, the outcome can
   * be read (offsets included), and whatever an earlier writer still asks is refused with `fenced`. Whoever is `fenced`
   * must not simply fence back: first it has to be certain that it still owns what the name stands for.
   * @throws TransportError `transport_unavailable`: it may have fenced all the same
   */
  transact(options: TransactOptions): Promise<TransactionalProducer>;

  /**
   * What a group has committed for these partitions; those for which it has committed nothing are absent. Offsets of an
   * open or aborted transaction are never seen; those of a committed one soon, and for certain after the next
   * {@link transact} of its name.
   */
  committed(groupId: string, partitions: readonly TopicPartition[]): Promise<readonly StoredOffset[]>;

  /**
   * What is known of these topics; a topic that does not exist is absent from the result. `patienceMs` is how long a log that is away
   * is tried until it is told, by default what other calls have; 0: whoever asks waits by himself.
   */
  describeTopics(names: readonly string[], options?: { readonly patienceMs?: number }): Promise<ReadonlyMap<string, TopicDescription>>;

  /**
   * Which of these topics are compacted: records are deleted there when newer ones of their key come, and those without a key are
   * refused. A topic that does not exist, or of which this client may not ask, is absent; a log that knows no compaction
   * leaves this out.
   */
  compactedTopics?(names: readonly string[]): Promise<ReadonlySet<string>>;

  /** Creates what is missing and leaves what exists untouched. Resolves when the topics can be written to and read. */
  createTopics(topics: readonly NewTopic[]): Promise<void>;

  /** Ends connections that are not bound to a consumer or producer. Consumers and producers are closed by their owners. */
  close(): Promise<void>;
}

export interface TopicDescription {
  readonly partitions: readonly {
    readonly partition: number;
    /** First offset kept. */
    readonly low: bigint;
    /** Next offset to be written, whether what lies before it can be read (yet) or not. */
    readonly high: bigint;
  }[];
}

export interface NewTopic {
  readonly name: string;
  /** @defaultValue the transport's own, or the broker's */
  readonly partitions?: number;
  /** Of the records of one key the log keeps the newest, and drops the others in time; see {@link Transport.compactedTopics}. @defaultValue false */
  readonly compacted?: boolean;
}

export interface ConsumeOptions {
  readonly groupId: string;
  readonly topics: readonly string[];
  /**
   * Where a partition starts for which the group has committed nothing: at the first offset kept, or where everything
   * begins that can be read from now on, records of transactions that are still open included. From latest, where it starts is
   * committed before it is told: the next owner goes on there, and what comes between two owners is not lost. From latest, too, a
   * partition that was added to its topic since this consumer began starts at its first offset.
   */
  readonly from: 'earliest' | 'latest';
  /** Of the topics those that start at the earliest offset whatever `from` says. @defaultValue none */
  readonly fromEarliest?: readonly string[];
  /** Told to the broker for its logs; also part of the member id where the log has one. */
  readonly clientId?: string;
  /**
   * Awaited after partitions were gained and before what the group has committed for them is read: the place to fence
   * the owner before us. Nothing of them is delivered meanwhile; the partitions kept go on. `wanted` turns false when
   * all of them are lost, revoked or closed: look before each fence, as a late one hits the next owner (who may fence
   * again). What is committed for them meanwhile is where they start. Those that are gone when it resolves are never told of, neither as assigned nor as lost. If it rejects, the
   * consumer `failed`: to start without it would be the mistake that it is there to prevent.
   */
  readonly beforeStart?: (partitions: readonly OwnedPartition[], wanted: () => boolean) => Promise<void>;
  /**
   * A name that this member keeps over restarts, unique among the members of its group that are to live together; letters, digits
   * and `_.-`, at most 64. Who joins under a name takes the place of whoever bore it: that one need not be waited for if it died,
   * and fails with `fenced` if it lives. Without one, members whose process is gone from this machine for sure are not waited for.
   * False: neither, and a client id that is the same for every process. Where a member cannot outlive its process, it does nothing.
   */
  readonly instance?: string | false;
  /** Most bytes of one delivery of one partition; a single larger record is delivered alone. @defaultValue 256 KiB */
  readonly maxFetchBytes?: number;
}

export type { OwnedPartition, TopicPartition };

export interface Assignment extends OwnedPartition {
  /** What the group has committed, if anything. */
  readonly committed: { readonly offset: bigint; readonly metadata: string } | undefined;
  /** Where delivery begins. It differs from what was committed when that lies outside the log; then `reset` says so. */
  readonly start: bigint;
  readonly reset: 'none-committed' | 'out-of-range' | undefined;
  /** Next offset to be written, as far as known: so that lag is right before anything is fetched. */
  readonly high: bigint;
}

/**
 * Consecutive records of one partition, in offset order. Offsets grow; they may leave gaps. Every reader reads what is
 * committed: nothing of an aborted transaction, and nothing at or behind the first record of an open one (the last
 * stable offset), whoever wrote it. The end of a transaction takes an offset in each partition it wrote to.
 */
export interface Fetch extends OwnedPartition {
  /** None, where there is something else to tell: offsets were read that hold no records, or more was written that cannot be read yet. */
  readonly records: readonly SourceRecord[];
  /** Where reading goes on. What lies before it and was not delivered never will be: gaps, aborted transactions, the ends of transactions. */
  readonly next: bigint;
  /**
   * So many offsets before `next` has the log dropped before they could be read (retention, or a truncation); the records that they
   * held are lost to this group. What was delivered before goes on.
   */
  readonly missed?: bigint;
  /**
   * Next offset to be written to this partition, as far as known: what lag is counted from. So lag counts offsets, and
   * is an upper bound of the records to come: it includes what open and aborted transactions have written, and the ends
   * of transactions.
   */
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

export type ConsumerHealth =
  | { readonly state: 'ok' }
  | {
      readonly state: 'waiting' | 'reconnecting';
      readonly why: string;
      /** It lasts at most so long, in ms, where that is known. */
      readonly leftMs?: number;
    };

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
  /**
   * Asks the group which of these partitions it still gives to this consumer, those that it lets go included. What a consumer
   * believes by itself may be out of date: after a pause of its process the partitions may be another's.
   * @throws TransportError `transport_unavailable` when nobody can say.
   */
  stillOwned(partitions: readonly OwnedPartition[]): Promise<readonly OwnedPartition[]>;
  /**
   * Looks at once whether what is owned can still be. When this process has stood still for longer than its session
   * (stopped, starved, asleep), others own it by now, and nothing has told so yet: then `lost` is told before this returns.
   * Costs next to nothing: to be asked before work for a record begins, and before its results leave.
   */
  verify(): void;
  /** Leaves the group at once, without `revoking`: the owner drains and commits before. Idempotent. */
  close(): Promise<void>;
}

export interface OffsetCommit extends OwnedPartition {
  readonly offset: bigint;
  /** At most 4,096 bytes on Kafka. */
  readonly metadata: string;
}

/** The next offset to read, and what was stored beside it. */
export interface StoredOffset extends TopicPartition {
  readonly offset: bigint;
  /** At most 4,096 bytes. */
  readonly metadata: string;
}

export interface TransactOptions {
  /** Stable over restarts, and used by one owner at a time; on Kafka `group-topic-partition` of the input partition. */
  readonly transactionalId: string;
  readonly clientId?: string;
  /**
   * A transaction that is open for longer is aborted by the log, and its writer `fenced`, in ms (at least 1; Kafka's brokers
   * take up to 15 minutes and look every 10 s). Readers wait that long behind a writer that died. @defaultValue 60,000
   */
  readonly timeoutMs?: number;
}

/**
 * A writer of transactions, one at a time. Any failure of the log but a refused record (`record_too_large`,
 * `record_rejected`) spends it: every later call rejects with the same code, and asks nothing of the log. Close it and
 * open another under the same name, which finds out what became of the last transaction. Calls out of turn (a second
 * transaction beside the first, a call after the end) are `transport_failed` and change nothing.
 */
export interface TransactionalProducer {
  /**
   * Begins a transaction. @throws TransportError `fenced` when another writer has taken the name, if that shows already:
   * Kafka is asked nothing here, so there it shows with the first send or storeOffsets.
   */
  begin(): Promise<Transaction>;
  /** Waits for what is under way, aborts what is open unless the writer is spent, then disconnects. Idempotent. */
  close(): Promise<void>;
}

/** Records and offsets that become visible together, or never. */
export interface Transaction {
  /**
   * As {@link Producer.send}; readers see the records once the transaction is committed, and never if it is not. After a
   * refused record the rest of the transaction goes on without that send.
   */
  send(topic: string, partition: number, records: readonly OutputRecord[]): Promise<bigint>;
  /**
   * Stores offsets of a group with the transaction. Membership plays no part in it: what keeps an owner of the past from
   * storing is that its name was taken.
   */
  storeOffsets(groupId: string, offsets: readonly StoredOffset[]): Promise<void>;
  /**
   * Waits for what is under way. Resolves when it is certain that everything will be seen; the last of it may be seen a
   * moment later, and no transaction of this name writes before. One that holds nothing asks nothing of the log.
   * @throws TransportError `fenced`: nothing of it will be seen. `transport_unavailable`: nobody knows; what
   * {@link Transport.committed} says after the next {@link Transport.transact} of this name decides.
   */
  commit(): Promise<void>;
  /** Waits for what is under way. Nothing of it will be seen, also when this rejects. */
  abort(): Promise<void>;
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
   * @throws TransportError `record_too_large` when the broker refuses the size; `record_rejected` for one without a key in a
   * compacted topic; `transport_unavailable` may pass.
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
