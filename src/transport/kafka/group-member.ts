import type { EachBatchPayload, GroupMember as JoinedMember, PartitionAssigner } from 'kafkajs';
import { formatPartition, parsePartition } from '../../record/record.ts';
import type { Assignment, ConsumeHandlers, Fetch, OwnedPartition } from '../transport.ts';
import { assign, metadataVersion } from './assign.ts';
import { standingOf } from './fetch-patch.ts';
import type { FetchedBatch, GroupInternals, GroupListener } from './internals.ts';
import type { KafkaJsModule } from './kafkajs.ts';
import { OwnershipState } from './ownership.state.ts';
import { toSourceRecord } from './records.ts';
import type { Sight } from './standstill.state.ts';

const protocolName = 'millrace-cooperative';

export interface GroupMemberOptions {
  readonly handlers: Pick<ConsumeHandlers, 'assigned' | 'revoking' | 'lost' | 'fetched'>;
  readonly kafkajs: KafkaJsModule;
  /** Finds where gained partitions start; asks again until it knows, or `wanted` says that it need not. */
  readonly findStarts: (partitions: readonly OwnedPartition[], wanted: () => boolean) => Promise<readonly Assignment[]>;
  /** Finds where the log of a partition begins; asks again until it knows, or `wanted` says that it need not. */
  readonly findLow: (partition: OwnedPartition, wanted: () => boolean) => Promise<bigint | undefined>;
  /** A fetch has brought nothing of a partition that goes on; undefined: all is well with it. */
  readonly standing: (partition: string, sight: Sight | undefined) => void;
  readonly joining: () => void;
  readonly joined: () => void;
  readonly heartbeat: (underWay: boolean) => void;
}

/** One run of the client, from its start to its end; what it still does afterwards is ignored. */
export interface MemberRun {
  readonly partitionAssigner: PartitionAssigner;
  /** A partition was let go: the group is to be joined again, so that somebody gets it. Asking takes the wish. */
  takeRejoin(): boolean;
  deliver(payload: EachBatchPayload): void;
  end(): void;
}

/**
 * One member of a group with cooperative rebalancing (KIP-429) on a client that has none: what moves is drained between
 * two generations while everything else goes on. The leader gives what is claimed by somebody, or being let go, to
 * nobody; whoever has drained leaves it out of the next claim and joins again. Decisions are `OwnershipState`'s and
 * `balance`'s; this obeys them, and outlives the client's crashes so that epochs only grow.
 */
export class GroupMember {
  readonly state = new OwnershipState();
  readonly #options: GroupMemberOptions;
  readonly #paused = new Set<string>();
  /** Next offset to fetch: kafkajs forgets it in each join. */
  readonly #positions = new Map<string, string>();
  /** Next offset to be written, as it was told last. */
  readonly #highs = new Map<string, bigint>();
  /** The log does not hold what would be read next: where it begins is being asked. */
  readonly #adrift = new Set<string>();
  #group: GroupInternals | undefined;
  #rejoin = false;

  constructor(options: GroupMemberOptions) {
    this.#options = options;
  }

  /** The member id that the client uses now, held or not: what a LeaveGroup names. */
  get clientMemberId(): string | null {
    return this.#group?.memberId ?? this.state.memberId;
  }

  pause(partitions: readonly OwnedPartition[]): void {
    for (const one of partitions) if (this.state.find(one)) this.#paused.add(formatPartition(one));
    this.#applyPauses();
  }

  resume(partitions: readonly OwnedPartition[]): void {
    for (const one of partitions) if (this.state.find(one)) this.#paused.delete(formatPartition(one));
    this.#applyPauses();
  }

  /** Everything is gone: the broker knows this member no more, or must have given it up. */
  loseAll(): void {
    this.#rejoin = true; // should the broker know it after all, it would wait for us to read what we think is another's
    this.#identify(null);
  }

  startRun(): MemberRun {
    let over = false;
    let first = true;
    const listener: GroupListener = {
      beforeJoin: (group) => {
        if (over) return;
        // A client that is started again goes on as the member that it was: if the broker still knows the id, nothing
        // was lost, and if not, the client is told so and asks for a new one.
        if (first) group.memberId = this.state.memberId;
        first = false;
        this.#beforeJoin(group);
      },
      afterSync: (group) => {
        if (!over) this.#afterSync(group);
      },
      heartbeat: (underWay) => {
        if (!over) this.#options.heartbeat(underWay);
      },
      fetched: (batches) => {
        if (!over) for (const batch of batches) this.#passOver(batch);
      },
      outOfRange: (_group, topic, partition) => {
        if (!over) void this.#catchUp(topic, partition);
      },
    };
    return {
      partitionAssigner: ({ cluster }) => ({
        name: protocolName,
        version: metadataVersion,
        millrace: listener,
        // asked at every JoinGroup, retries included, so the claim is always what is held now
        protocol: ({ topics }) => {
          if (over) throw new this.#options.kafkajs.KafkaJSNonRetriableError('this member has left');
          return { name: protocolName, metadata: this.#encodeClaim(topics) };
        },
        assign: ({ members }: { readonly members: JoinedMember[] }) => assign(this.#options.kafkajs.AssignerProtocol, cluster, members),
      }),
      takeRejoin: () => {
        const wanted = this.#rejoin && !over;
        this.#rejoin = false;
        return wanted;
      },
      deliver: (payload) => {
        if (!over) this.#deliver(payload);
      },
      end: () => {
        if (this.#group) this.#savePositions(this.#group);
        over = true;
      },
    };
  }

  #encodeClaim(topics: readonly string[]): Buffer {
    // the client asks for a new id when the broker has forgotten the old one, and tells nobody else
    if (this.#group) this.#identify(this.#group.memberId);
    this.#rejoin = false; // what was let go is in this claim
    const userData = Buffer.from(JSON.stringify(this.state.claim()));
    return this.#options.kafkajs.AssignerProtocol.MemberMetadata.encode({ version: metadataVersion, topics: [...topics], userData });
  }

  #beforeJoin(group: GroupInternals): void {
    if (this.#group && this.#group !== group) this.#savePositions(this.#group);
    this.#group = group;
    this.#options.joining();
    this.#savePositions(group);
  }

  #savePositions(group: GroupInternals): void {
    for (const [topic, partitions] of Object.entries(group.offsetManager?.resolvedOffsets ?? {})) {
      for (const [partition, offset] of Object.entries(partitions)) {
        const key = formatPartition({ topic, partition: Number(partition) });
        const known = this.#positions.get(key);
        // of a client that broke in between, what was handed over counts
        if (known !== undefined && BigInt(offset) > BigInt(known)) this.#positions.set(key, offset);
      }
    }
  }

  #afterSync(group: GroupInternals): void {
    this.#options.joined();
    this.#identify(group.memberId);
    const assigned = group
      .assigned()
      .flatMap(({ topic, partitions }) => partitions.map((partition) => formatPartition({ topic, partition })));
    const { gained, revoked, dropped } = this.state.synced(group.generationId, assigned);
    for (const one of [...gained, ...dropped]) this.#forget(one);
    for (const key of assigned) this.#writePosition(key);
    this.#applyPauses();
    if (dropped.length > 0) this.#rejoin = true;
    if (revoked.length > 0) this.#revoke(revoked);
    if (gained.length > 0) this.#start(gained);
  }

  #identify(memberId: string | null): void {
    this.#tellLost(this.state.identify(memberId));
  }

  #tellLost(partitions: readonly (OwnedPartition & { readonly phase: string })[]): void {
    for (const one of partitions) this.#forget(one);
    const told = partitions.filter(({ phase }) => phase !== 'starting').map(owned);
    if (told.length > 0) this.#options.handlers.lost(told);
  }

  #forget(partition: OwnedPartition): void {
    // a new epoch begins resumed
    for (const kept of [this.#positions, this.#highs, this.#paused, this.#adrift]) kept.delete(formatPartition(partition));
  }

  #revoke(partitions: readonly OwnedPartition[]): void {
    const { memberId } = this.state;
    const drained = async (): Promise<void> => this.#options.handlers.revoking(partitions.map(owned));
    // rejected or not: what the owner does not want any more must go
    void drained()
      .catch(() => undefined)
      .then(() => {
        if (memberId !== this.state.memberId) return;
        for (const one of partitions) {
          if (this.state.released(one)) this.#forget(one);
        }
        this.#rejoin = true;
      });
  }

  #start(gained: readonly OwnedPartition[]): void {
    const wanted = (): boolean => gained.some((one) => this.state.find(one));
    void this.#options.findStarts(gained, wanted).then((found) => {
      const live = found.filter((one) => this.state.started(one));
      for (const one of live) {
        this.#positions.set(formatPartition(one), String(one.start));
        this.#writePosition(formatPartition(one));
      }
      if (live.length > 0) this.#options.handlers.assigned(live);
      this.#applyPauses();
    });
  }

  /**
   * The log has moved away from under a reader. Where it has dropped what was to be read next, reading goes on at what is left; the
   * epoch stays, as what was delivered is nowhere else any more. Where it ends before that, it is another log: a new epoch.
   */
  async #catchUp(topic: string, partition: number): Promise<void> {
    const tenure = this.state.find({ topic, partition });
    if (tenure?.phase !== 'live' || this.#adrift.has(formatPartition(tenure))) return;
    const isLive = (): boolean => this.state.find(tenure)?.phase === 'live';
    this.#adrift.add(formatPartition(tenure));
    this.#applyPauses();
    const low = await this.#options.findLow(tenure, isLive);
    this.#adrift.delete(formatPartition(tenure));
    const position = this.#positions.get(formatPartition(tenure));
    if (low !== undefined && position !== undefined && isLive()) {
      if (low > BigInt(position)) this.#moveTo(tenure, low, this.#highs.get(formatPartition(tenure)) ?? low, low - BigInt(position));
      else this.#renew(tenure);
    }
    this.#applyPauses();
  }

  #renew(partition: OwnedPartition): void {
    const { lost, gained } = this.state.renew(partition) ?? {};
    if (lost) this.#tellLost([lost]);
    if (gained) this.#start([gained]);
  }

  #writePosition(key: string): void {
    const { topic, partition } = parsePartition(key);
    const positions = this.#group?.offsetManager?.resolvedOffsets[topic];
    const position = this.#positions.get(key);
    if (positions && position !== undefined) positions[partition] = position;
  }

  #applyPauses(): void {
    const state = this.#group?.subscriptionState;
    for (const { topic, partition, phase } of state ? this.state.all : []) {
      const change = [{ topic, partitions: [partition] }];
      const key = formatPartition({ topic, partition });
      if (phase === 'live' && !this.#paused.has(key) && !this.#adrift.has(key)) state?.resume(change);
      else state?.pause(change);
    }
  }

  #deliver({ batch }: EachBatchPayload): void {
    const tenure = this.state.find(batch);
    const first = batch.messages[0];
    if (tenure?.phase !== 'live' || !first) return;
    this.#options.standing(formatPartition(batch), undefined);
    const fetchedOffset = BigInt(this.#positions.get(formatPartition(batch)) ?? first.offset);
    const records = batch.messages.map((message) => toSourceRecord(message, fetchedOffset));
    const next = BigInt(batch.lastOffset()) + 1n;
    this.#positions.set(formatPartition(batch), String(next));
    this.#tell({ ...owned(tenure), records, next, high: BigInt(batch.highWatermark) });
  }

  /** What brought no record brings news all the same: reading goes on behind offsets without records, or more is written and not decided. */
  #passOver(batch: FetchedBatch): void {
    const tenure = this.state.find(batch);
    const position = this.#positions.get(formatPartition(batch));
    // one that was asked for from elsewhere is out of date
    if (tenure?.phase !== 'live' || position !== batch.fetchedOffset || !batch.isEmpty()) return;
    const next = batch.isEmptyDueToFiltering() ? BigInt(batch.lastOffset()) + 1n : BigInt(position);
    const { lastStable: end = next, error } = standingOf(batch.rawMessages) ?? {};
    this.#options.standing(formatPartition(batch), error !== undefined || end > next ? { offset: next, end, error } : undefined);
    if (error !== undefined) return;
    const high = BigInt(batch.highWatermark);
    if (String(next) === position && this.#highs.get(formatPartition(batch)) === high) return;
    this.#moveTo(tenure, next, high);
  }

  #moveTo(partition: OwnedPartition, next: bigint, high: bigint, missed?: bigint): void {
    this.#positions.set(formatPartition(partition), String(next));
    this.#writePosition(formatPartition(partition));
    this.#tell({ ...owned(partition), records: [], next, high, ...(missed === undefined ? {} : { missed }) });
  }

  #tell(fetch: Fetch): void {
    const { next, high } = fetch; // which the broker reads before it reads the records: they may be more by then
    this.#highs.set(formatPartition(fetch), high);
    this.#options.handlers.fetched({ ...fetch, high: high > next ? high : next });
  }
}

const owned = ({ topic, partition, epoch }: OwnedPartition): OwnedPartition => ({ topic, partition, epoch });
