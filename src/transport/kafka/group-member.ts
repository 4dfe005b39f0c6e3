import type {
  AssignerProtocol,
  Cluster,
  EachBatchPayload,
  GroupMember as JoinedMember,
  GroupMemberAssignment,
  PartitionAssigner,
} from 'kafkajs';
import { formatPartition, parsePartition } from '../../record/record.ts';
import { balance, type Claim } from '../balance.state.ts';
import type { Assignment, ConsumeHandlers, OwnedPartition } from '../transport.ts';
import type { ClusterInternals, GroupInternals, GroupListener } from './internals.ts';
import type { KafkaJsModule } from './kafkajs.ts';
import { type OwnClaim, OwnershipState } from './ownership.state.ts';
import { toSourceRecord } from './records.ts';

const protocolName = 'millrace-cooperative';
const metadataVersion = 0; // the layout that kafkajs writes, whatever number it is given

export interface GroupMemberOptions {
  readonly handlers: Pick<ConsumeHandlers, 'assigned' | 'revoking' | 'lost' | 'fetched'>;
  readonly kafkajs: KafkaJsModule;
  /** Finds where gained partitions start; asks again until it knows, or `wanted` says that it need not. */
  readonly findStarts: (partitions: readonly OwnedPartition[], wanted: () => boolean) => Promise<readonly Assignment[]>;
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
      outOfRange: (_group, topic, partition) => {
        if (!over) this.#renew(topic, partition);
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

  #tellLost(
    partitions: readonly { readonly phase: string; readonly topic: string; readonly partition: number; readonly epoch: number }[],
  ): void {
    for (const one of partitions) this.#forget(one);
    const told = partitions.filter(({ phase }) => phase !== 'starting').map(owned);
    if (told.length > 0) this.#options.handlers.lost(told);
  }

  #forget(partition: OwnedPartition): void {
    this.#positions.delete(formatPartition(partition));
    this.#paused.delete(formatPartition(partition)); // a new epoch begins resumed
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

  /** The log has moved away from under a reader (retention, or a truncation): a new epoch, whose start says so. */
  #renew(topic: string, partition: number): void {
    const renewed = this.state.renew({ topic, partition });
    if (!renewed) return;
    this.#tellLost([renewed.lost]);
    this.#applyPauses();
    this.#start([renewed.gained]);
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
      if (phase === 'live' && !this.#paused.has(formatPartition({ topic, partition }))) state?.resume(change);
      else state?.pause(change);
    }
  }

  #deliver({ batch }: EachBatchPayload): void {
    const tenure = this.state.find(batch);
    const first = batch.messages[0];
    if (tenure?.phase !== 'live' || !first) return;
    const fetchedOffset = BigInt(this.#positions.get(formatPartition(batch)) ?? first.offset);
    const records = batch.messages.map((message) => toSourceRecord(message, fetchedOffset));
    const next = BigInt(batch.lastOffset()) + 1n;
    this.#positions.set(formatPartition(batch), String(next));
    const told = BigInt(batch.highWatermark); // the broker reads it before it reads the records, which may be more by then
    this.#options.handlers.fetched({ ...owned(tenure), records, high: told > next ? told : next });
  }
}

const owned = ({ topic, partition, epoch }: OwnedPartition): OwnedPartition => ({ topic, partition, epoch });

/** The leader's part: reads the members' claims, and lets `balance` decide. */
async function assign(
  protocol: typeof AssignerProtocol,
  lent: Cluster,
  members: readonly JoinedMember[],
): Promise<GroupMemberAssignment[]> {
  const cluster = lent as unknown as ClusterInternals;
  const claims = members.map((member) => readClaim(protocol, member));
  const topics = [...new Set(claims.flatMap((claim) => claim.topics))];
  for (const topic of topics) await cluster.addMultipleTargetTopics([topic]).catch(() => undefined); // another's topic may be missing
  const all = topics.flatMap((topic) =>
    cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => formatPartition({ topic, partition: partitionId })),
  );
  return [...balance(all, claims)].map(([memberId, keys]) => {
    const assignment: Record<string, number[]> = {};
    for (const { topic, partition } of keys.map(parsePartition)) (assignment[topic] ??= []).push(partition);
    return {
      memberId,
      memberAssignment: protocol.MemberAssignment.encode({ version: metadataVersion, assignment, userData: Buffer.alloc(0) }),
    };
  });
}

/** A member whose claim cannot be read has none: the broker has already made sure that it speaks this protocol. */
function readClaim(protocol: typeof AssignerProtocol, { memberId, memberMetadata }: JoinedMember): Claim {
  const metadata = protocol.MemberMetadata.decode(memberMetadata);
  const nothing: OwnClaim = { generation: -1, owned: [], revoking: [] };
  let claim: OwnClaim = nothing;
  try {
    const read: unknown = JSON.parse(metadata?.userData.toString() ?? '');
    if (isClaim(read)) claim = read;
  } catch {
    // not ours
  }
  return { memberId, topics: metadata?.topics ?? [], ...claim };
}

function isClaim(value: unknown): value is OwnClaim {
  if (typeof value !== 'object' || value === null) return false;
  const { generation, owned: held, revoking } = value as Partial<Record<keyof OwnClaim, unknown>>;
  return (
    typeof generation === 'number' && [held, revoking].every((list) => Array.isArray(list) && list.every((one) => typeof one === 'string'))
  );
}
