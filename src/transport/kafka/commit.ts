import { type Clock, sleep } from '../../clock.ts';
import { TransportError } from '../../errors.ts';
import { formatPartition } from '../../record/record.ts';
import type { OffsetCommit, OwnedPartition } from '../transport.ts';
import type { GroupConnection } from './group-connection.ts';
import { protocolTypeOf, toTransportError } from './kafka-errors.ts';
import type { OwnershipState } from './ownership.state.ts';

export interface CommitterOptions {
  readonly state: OwnershipState;
  readonly connection: GroupConnection;
  readonly clock: Clock;
  readonly brokers: readonly string[];
  /** A commit may wait as long as a join does, but not for ever. */
  readonly patienceMs: number;
  /** The broker knew this member when a commit was sent to it, and began its session anew: a commit counts as a heartbeat. */
  readonly accepted: (sentMs: number) => void;
  /** The broker knows this member no more. */
  readonly expelled: () => void;
}

const betweenTriesMs = 20; // a join's requests take 3 to 10 ms, once all members are there
const outageTries = 4;
const outageWaitMs = 150;

/**
 * Commits that cannot outlive their ownership. They name the member id under which the partition was gained; kafkajs's
 * own commitOffsets names the present one, so after an expulsion and a re-join it moved the heir's offset from 50 back
 * to 8. Within one epoch an offset never goes down. Holds one number per partition held.
 */
export class Committer {
  readonly #options: CommitterOptions;
  #before: Promise<void> = Promise.resolve();
  readonly #highest = new Map<string, { readonly epoch: number; readonly offset: bigint }>();

  constructor(options: CommitterOptions) {
    this.#options = options;
  }

  /** One after the other: one that has to be tried again must not be sent behind a later one, which says more. */
  commit(offsets: readonly OffsetCommit[]): Promise<{ readonly fenced: readonly OwnedPartition[] }> {
    const commit = this.#before.then(() => this.#commit(offsets));
    this.#before = commit.then(
      () => undefined,
      () => undefined,
    );
    return commit;
  }

  async #commit(offsets: readonly OffsetCommit[]): Promise<{ readonly fenced: readonly OwnedPartition[] }> {
    const { state, clock, patienceMs } = this.#options;
    const memberId = state.memberId;
    const giveUpMs = clock.nowMs() + patienceMs;
    for (let outages = 0; ; ) {
      const ours = offsets.filter((one) => memberId !== null && memberId === state.memberId && state.find(one));
      const due = ours.filter((one) => this.#isNews(one));
      if (memberId === null || due.length === 0) return { fenced: without(offsets, ours) };
      const sentMs = clock.nowMs();
      try {
        await this.#options.connection.commit(memberId, state.generation, due);
        this.#options.accepted(sentMs);
        for (const { topic, partition, epoch, offset } of due) this.#highest.set(formatPartition({ topic, partition }), { epoch, offset });
        return { fenced: without(offsets, ours) };
      } catch (error) {
        const type = protocolTypeOf(error);
        if (type === 'UNKNOWN_MEMBER_ID') {
          if (memberId === state.memberId) this.#options.expelled();
        } else if (type === 'ILLEGAL_GENERATION' || type === 'REBALANCE_IN_PROGRESS') {
          // between JoinGroup and SyncGroup; what stays ours can be committed in the next generation
          if (clock.nowMs() > giveUpMs) throw toTransportError(error, 'commit offsets', this.#options.brokers);
          await sleep(clock, betweenTriesMs);
        } else {
          outages += 1;
          const failure = toTransportError(error, 'commit offsets', this.#options.brokers);
          if (failure.code !== 'transport_unavailable' || outages >= outageTries) throw asCommitError(failure);
          await sleep(clock, outageWaitMs); // an idle connection that the broker closed, or a coordinator that moved
        }
      }
    }
  }

  /** Asks by a heartbeat of our own: the group keeps giving us what is ours exactly while it knows the member id under which it was gained. */
  async stillOwned(partitions: readonly OwnedPartition[]): Promise<readonly OwnedPartition[]> {
    const { state, clock, connection, patienceMs, accepted, expelled } = this.#options;
    const memberId = state.memberId;
    const giveUpMs = clock.nowMs() + patienceMs;
    for (;;) {
      const ours = partitions.filter((one) => memberId !== null && memberId === state.memberId && state.find(one));
      if (memberId === null || ours.length === 0) return [];
      const sentMs = clock.nowMs();
      try {
        await connection.heartbeat(memberId, state.generation);
        accepted(sentMs);
        return ours;
      } catch (error) {
        const type = protocolTypeOf(error);
        if (type === 'REBALANCE_IN_PROGRESS') return ours; // a member of a group that joins anew: what it claims stays its own
        if (type === 'UNKNOWN_MEMBER_ID') {
          if (memberId === state.memberId) expelled();
        } else if (type !== 'ILLEGAL_GENERATION' || clock.nowMs() > giveUpMs)
          throw toTransportError(error, 'ask the group what is still ours', this.#options.brokers);
        else await sleep(clock, betweenTriesMs); // between JoinGroup and SyncGroup
      }
    }
  }

  #isNews({ topic, partition, epoch, offset }: OffsetCommit): boolean {
    const highest = this.#highest.get(formatPartition({ topic, partition }));
    return highest?.epoch !== epoch || offset >= highest.offset;
  }
}

const without = (offsets: readonly OffsetCommit[], taken: readonly OffsetCommit[]): readonly OwnedPartition[] =>
  offsets.filter((one) => !taken.includes(one)).map(({ topic, partition, epoch }) => ({ topic, partition, epoch }));

/** A size error of a commit is about its metadata, not about a record. */
const asCommitError = (error: TransportError): TransportError =>
  error.grade === 'record' ? new TransportError('transport_failed', error.message, { cause: error }) : error;
