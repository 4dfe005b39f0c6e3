import { OptionError, requireInteger, requireNumber } from '../../errors.ts';
import { formatPartition, type OutputRecord, type SourceRecord } from '../../record/record.ts';
import type { Consumer } from '../transport.ts';
import type { Broker } from './broker.ts';
import type { Committed } from './group.state.ts';
import { MemoryConsumer } from './memory-consumer.ts';
import type { TransactionCoordinator } from './transaction-coordinator.ts';

/** A member of a group as the coordinator sees it. */
export interface MemberView {
  readonly memberId: string;
  /** `topic/partition`, those that it is letting go included. */
  readonly owned: readonly string[];
  readonly revoking: readonly string[];
}

/**
 * The broker's side of a memory transport: what an operator, a disk or bad luck would do to it. For tests and demos;
 * everything acts at once, and members learn of it through the clock.
 */
export class BrokerControl {
  readonly #broker: Broker;
  readonly #transactions: TransactionCoordinator;

  /** @internal */
  constructor(broker: Broker, transactions: TransactionCoordinator) {
    this.#broker = broker;
    this.#transactions = transactions;
  }

  /** Nobody can reach the broker until `up`: requests fail with `transport_unavailable`, deliveries stop, rebalances wait. Memberships outlast it. */
  down(why = 'it was taken down'): void {
    this.#broker.setDown(why);
  }

  up(): void {
    this.#broker.setDown(undefined);
  }

  /** The next `count` sends, also those of transactions, fail with `transport_unavailable`; with `written` the records are in the log all the same. */
  failSends(count: number, { written = false }: { readonly written?: boolean } = {}): void {
    requireInteger('count', count, 0);
    this.#broker.sendFaults.failNext(count, written);
  }

  /** The next `count` commits, also the stores of transactions, fail with `transport_unavailable`; with `stored` the offsets are stored all the same. */
  failCommits(count: number, { stored = false }: { readonly stored?: boolean } = {}): void {
    requireInteger('count', count, 0);
    this.#broker.commitFaults.failNext(count, stored);
  }

  /** The next `count` commits of transactions fail with `transport_unavailable`; with `committed` everything of them is seen all the same. */
  failTransactions(count: number, { committed = false }: { readonly committed?: boolean } = {}): void {
    requireInteger('count', count, 0);
    this.#transactions.commitFaults.failNext(count, committed);
  }

  /** From now on answers to sends, commits, and requests of transactions come `ms` after the deed. 0 ends it. */
  delayAcknowledgements(ms: number): void {
    requireNumber('ms', ms, 0);
    this.#broker.acknowledgeMs = ms;
  }

  /**
   * From now on every request of a transactional writer, its fence included, reaches the broker `ms` after it was made: so
   * another writer's fence can fall in between. 0 ends it.
   */
  delayTransactions(ms: number): void {
    requireNumber('ms', ms, 0);
    this.#transactions.requestMs = ms;
  }

  /** From now on what a transaction has committed is seen `ms` after the answer said so, or at the next fence. 0 ends it. */
  delayCompletion(ms: number): void {
    requireNumber('ms', ms, 0);
    this.#transactions.completeMs = ms;
  }

  /** From now on a fetch arrives `ms` after it was read, also when its partition was paused meanwhile. 0 ends it. */
  delayFetches(ms: number): void {
    requireNumber('ms', ms, 0);
    this.#broker.fetchMs = ms;
  }

  /**
   * Throws a consumer out of its group, as the end of its session would. The others take over at once; it learns of it
   * after `noticeMs` (until then it goes on reading, but its commits are fenced), and then joins again.
   */
  expel(consumer: Consumer, { noticeMs = 0 }: { readonly noticeMs?: number } = {}): void {
    if (!(consumer instanceof MemoryConsumer)) throw new OptionError('expel expects a consumer of this transport, got another object');
    requireNumber('noticeMs', noticeMs, 0);
    this.#broker.expel(consumer.memberId, noticeMs);
  }

  /** Forgets the records before an offset, as retention or DeleteRecords does. Readers behind it go on at it. */
  truncate(topic: string, partition: number, before: bigint): void {
    this.#broker.log(topic, partition).truncate(before);
    this.#broker.grown(topic, partition);
  }

  /** Lets the next offsets hold no record, as the ends of transactions do. */
  skipOffsets(topic: string, partition: number, offsets: number): void {
    requireInteger('offsets', offsets, 1);
    this.#broker.log(topic, partition).skip(offsets);
    this.#broker.grown(topic, partition);
  }

  /** From now on the topic is a compacted one: records without a key are refused. What compaction deletes, `compact` does. */
  setCompacted(topic: string): void {
    this.#broker.topic(topic); // throws if there is none
    this.#broker.compacted.add(topic);
  }

  /** Takes away every record that `keep` refuses, and leaves gaps, as compaction does. */
  compact(topic: string, partition: number, keep: (record: SourceRecord) => boolean): void {
    this.#broker.log(topic, partition).compact(keep);
  }

  /** Appends a range of offsets whose bytes cannot be read. */
  appendUndecodable(
    topic: string,
    partition: number,
    { offsets, reason, bytes }: { readonly offsets: number; readonly reason: string; readonly bytes: number },
  ): void {
    requireInteger('offsets', offsets, 1);
    this.#broker.log(topic, partition).appendUndecodable(offsets, reason, bytes, this.#broker.options.clock.nowMs());
    this.#broker.grown(topic, partition);
  }

  /** Appends without a producer, whatever faults are planned. Returns the offset of the first. */
  append(topic: string, partition: number, records: readonly OutputRecord[]): bigint {
    return this.#broker.append(topic, partition, records);
  }

  /** Everything that is kept of a partition and can be read: nothing of open transactions, nor what lies behind it. */
  records(topic: string, partition: number): readonly SourceRecord[] {
    const log = this.#broker.log(topic, partition);
    return log.read(log.low, Infinity, Infinity).records;
  }

  /**
   * Offset of the last record that can be read now; the log may go on behind it with the ends of transactions, or with
   * what is still open.
   */
  lastOffset(topic: string, partition: number): bigint | undefined {
    return this.#broker.log(topic, partition).lastReadable;
  }

  /** What a group has committed for a partition. */
  committed(groupId: string, topic: string, partition: number): Committed | undefined {
    return this.#broker.group(groupId).committed(formatPartition({ topic, partition }));
  }

  members(groupId: string): readonly MemberView[] {
    return [...this.#broker.group(groupId).members].map(([memberId, { owned }]) => ({
      memberId,
      owned: [...owned.keys()],
      revoking: [...owned].filter(([, state]) => state === 'revoking').map(([key]) => key),
    }));
  }
}
