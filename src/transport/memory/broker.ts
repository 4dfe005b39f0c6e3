import { type Clock, sleep } from '../../clock.ts';
import { OptionError, requireInteger, TransportError } from '../../errors.ts';
import { formatPartition, type OutputRecord, parsePartition, recordBytes } from '../../record/record.ts';
import type { Assignment, NewTopic, OffsetCommit, TopicPartition } from '../transport.ts';
import { Faults } from './faults.state.ts';
import { type Change, Group } from './group.state.ts';
import { PartitionLog } from './partition-log.state.ts';

/** All options, present and checked. */
export interface BrokerOptions {
  readonly clock: Clock;
  readonly partitions: number;
  readonly retentionBytes: number;
  readonly maxRecordBytes: number;
}

/** Where a partition starts, without the epoch, which is the member's own affair. */
export type Start = Omit<Assignment, 'epoch'>;

/** What the broker tells a member of a group. It only takes note: nothing is handled within the call. */
export interface Member {
  gained(partitions: readonly string[]): void;
  revoked(partitions: readonly string[]): void;
  /** A partition that it owns has grown. */
  appended(partition: string): void;
  /** The broker went away (why), or is back (undefined). */
  reachable(why: string | undefined): void;
  /** The group has forgotten this member, which finds out after `noticeMs` and joins anew. */
  expelled(noticeMs: number): void;
}

const maxMetadataBytes = 4096; // Kafka's offset.metadata.max.bytes, which counts characters
const topicName = /^(?!\.{1,2}$)[a-zA-Z0-9._-]{1,249}$/; // Kafka's own rule

const unknownTopic = (name: string): TransportError =>
  new TransportError(
    'unknown_topic',
    `topic ${JSON.stringify(name)} does not exist: create it with createTopics, or run with --create-topics`,
  );

/** The broker behind the memory transport: topics, groups, and the faults that tests put in its way. */
export class Broker {
  readonly options: BrokerOptions;
  readonly sendFaults = new Faults();
  readonly commitFaults = new Faults();
  /** How long answers to sends and commits take. */
  acknowledgeMs = 0;
  /** How long a fetch is under way. */
  fetchMs = 0;
  readonly #topics = new Map<string, readonly PartitionLog[]>();
  /** Topics that take no record without a key. */
  readonly compacted = new Set<string>();
  readonly #groups = new Map<string, Group>();
  readonly #members = new Map<string, { readonly groupId: string; readonly member: Member }>();
  /** Everyone who reads, those that were expelled and do not know it yet included. */
  readonly #readers = new Set<Member>();
  readonly #unbalanced = new Set<string>();
  #down: string | undefined;
  #lastMember = 0;

  constructor(options: BrokerOptions) {
    this.options = options;
  }

  // topics

  createTopic({ name, partitions = this.options.partitions, compacted = false }: NewTopic): void {
    if (!topicName.test(name))
      throw new OptionError(`a topic name must be 1 to 249 of a-z, A-Z, 0-9, ".", "_" and "-", got ${JSON.stringify(name)}`);
    requireInteger(`partitions of topic ${name}`, partitions, 1, 10_000);
    if (this.#topics.has(name)) return;
    if (compacted) this.compacted.add(name);
    this.#topics.set(
      name,
      Array.from({ length: partitions }, () => new PartitionLog(this.options.retentionBytes)),
    );
  }

  findTopic(name: string): readonly PartitionLog[] | undefined {
    return this.#topics.get(name);
  }

  /** @throws TransportError `unknown_topic` */
  topic(name: string): readonly PartitionLog[] {
    const logs = this.#topics.get(name);
    if (!logs) throw unknownTopic(name);
    return logs;
  }

  /** @throws TransportError `unknown_topic`, also for a partition that the topic does not have */
  log(topic: string, partition: number): PartitionLog {
    const logs = this.topic(topic);
    const log = logs[partition];
    if (log) return log;
    throw new TransportError(
      'unknown_topic',
      `expected a partition of topic ${topic} from 0 to ${String(logs.length - 1)}, got ${String(partition)}`,
    );
  }

  async send(topic: string, partition: number, records: readonly OutputRecord[]): Promise<bigint> {
    const log = this.requireRoom(topic, partition, records);
    const fate = this.sendFaults.next();
    const base = fate.applied ? this.append(topic, partition, records) : log.high;
    await this.answer(fate.answered, 'send');
    return base;
  }

  /** @throws TransportError when a send would be refused */
  requireRoom(topic: string, partition: number, records: readonly OutputRecord[]): PartitionLog {
    this.requireUp();
    const log = this.log(topic, partition);
    if (this.compacted.has(topic) && records.some(({ key }) => key === null))
      throw new TransportError('record_rejected', `topic ${topic} is compacted: a record needs a key, got one without`);
    const bytes = records.reduce((sum, record) => sum + recordBytes(record), 0);
    if (bytes <= this.options.maxRecordBytes) return log;
    const what = records.length === 1 ? 'a record' : `${String(records.length)} records in one send`;
    throw new TransportError(
      'record_too_large',
      `${what} of ${String(bytes)} bytes for ${formatPartition({ topic, partition })} exceeds maxRecordBytes (${String(this.options.maxRecordBytes)})`,
    );
  }

  /** Writes without any of a client's checks and faults. */
  append(topic: string, partition: number, records: readonly OutputRecord[]): bigint {
    const base = this.log(topic, partition).append(records, this.options.clock.nowMs());
    this.grown(topic, partition);
    return base;
  }

  grown(topic: string, partition: number): void {
    const key = formatPartition({ topic, partition });
    for (const reader of this.#readers) reader.appended(key);
  }

  // groups

  group(groupId: string): Group {
    const known = this.#groups.get(groupId);
    if (known) return known;
    const group = new Group();
    this.#groups.set(groupId, group);
    return group;
  }

  join(groupId: string, clientId: string, topics: readonly string[], member: Member): string {
    this.#lastMember += 1;
    const memberId = `${clientId}-${String(this.#lastMember).padStart(6, '0')}`;
    this.group(groupId).join(memberId, topics);
    this.#members.set(memberId, { groupId, member });
    this.#readers.add(member);
    this.#rebalance(groupId);
    return memberId;
  }

  leave(memberId: string, member: Member): void {
    this.#readers.delete(member);
    this.#remove(memberId);
  }

  /** Ends a membership from the broker's side. The member goes on reading, fenced, until it knows. */
  expel(memberId: string, noticeMs: number): void {
    const member = this.#members.get(memberId)?.member;
    this.#remove(memberId);
    member?.expelled(noticeMs);
  }

  #remove(memberId: string): void {
    const groupId = this.#members.get(memberId)?.groupId;
    this.#members.delete(memberId);
    if (groupId === undefined) return;
    this.group(groupId).remove(memberId);
    this.#rebalance(groupId);
  }

  released(memberId: string, partitions: readonly string[]): void {
    const groupId = this.#members.get(memberId)?.groupId;
    if (groupId === undefined) return;
    this.group(groupId).released(memberId, partitions);
    this.#rebalance(groupId);
  }

  /** Returns which of the offsets were stored. Those of partitions that the member does not own are not. */
  async commit(groupId: string, memberId: string, offsets: readonly OffsetCommit[]): Promise<ReadonlySet<OffsetCommit>> {
    this.requireMetadata(offsets);
    const group = this.group(groupId);
    const fate = this.commitFaults.next();
    const stored = offsets.filter(
      ({ offset, metadata, ...one }) => fate.applied && group.commit(memberId, formatPartition(one), { offset, metadata }),
    );
    await this.answer(fate.answered, 'commit');
    return new Set(stored);
  }

  /** @throws TransportError when metadata would be refused */
  requireMetadata(offsets: readonly { readonly metadata: string }[]): void {
    this.requireUp();
    for (const { metadata } of offsets) {
      const bytes = Buffer.byteLength(metadata);
      if (bytes > maxMetadataBytes)
        throw new TransportError(
          'transport_failed',
          `commit metadata must be at most ${String(maxMetadataBytes)} bytes, got ${String(bytes)}`,
        );
    }
  }

  /** Where a member of the group starts to read a partition. From latest that is stored: else the next owner would begin at a later end. */
  start(groupId: string, key: string, from: 'earliest' | 'latest'): Start {
    const { topic, partition } = parsePartition(key);
    const { low, high, lastStable } = this.log(topic, partition);
    const committed = this.group(groupId).committed(key);
    if (!committed) {
      const start = from === 'earliest' ? low : lastStable;
      if (from === 'latest') this.group(groupId).store(key, { offset: start, metadata: '' });
      return { topic, partition, committed, start, reset: 'none-committed', high };
    }
    const inside = committed.offset >= low && committed.offset <= high;
    return { topic, partition, committed, start: inside ? committed.offset : low, reset: inside ? undefined : 'out-of-range', high };
  }

  /** Those of the partitions that the group gives to this member. */
  async stillOwned<P extends TopicPartition>(groupId: string, memberId: string, partitions: readonly P[]): Promise<readonly P[]> {
    this.requireUp();
    const ours = partitions.filter((one) => this.group(groupId).owns(memberId, formatPartition(one)));
    await this.answer(true, 'question of ownership');
    return ours;
  }

  // availability

  get down(): string | undefined {
    return this.#down;
  }

  setDown(why: string | undefined): void {
    if (this.#down === why) return;
    this.#down = why;
    for (const reader of this.#readers) reader.reachable(why);
    if (why !== undefined) return;
    for (const groupId of this.#unbalanced) this.#rebalance(groupId);
    this.#unbalanced.clear();
  }

  /** @throws TransportError `transport_unavailable` while the broker is down */
  requireUp(): void {
    if (this.#down !== undefined) throw new TransportError('transport_unavailable', `the memory broker cannot be reached: ${this.#down}`);
  }

  /** A broker that went down between the deed and its answer leaves the client without one, as a real one does. */
  async answer(answered: boolean, what: string): Promise<void> {
    if (this.acknowledgeMs > 0) await sleep(this.options.clock, this.acknowledgeMs);
    this.requireUp();
    if (!answered) throw new TransportError('transport_unavailable', `the memory broker did not answer a ${what} (planned fault)`);
  }

  #rebalance(groupId: string): void {
    if (this.#down !== undefined) {
      this.#unbalanced.add(groupId);
      return;
    }
    const group = this.group(groupId);
    const all = [...group.topics].flatMap((name) => this.topic(name).map((_, partition) => formatPartition({ topic: name, partition })));
    for (const change of group.rebalance(all)) this.#tell(change);
  }

  #tell({ memberId, gained, revoked }: Change): void {
    const member = this.#members.get(memberId)?.member;
    if (!member) return;
    if (revoked.length > 0) member.revoked(revoked);
    if (gained.length > 0) member.gained(gained);
  }
}
