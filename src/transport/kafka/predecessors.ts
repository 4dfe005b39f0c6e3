import { type Clock, sleep } from '../../clock.ts';
import { messageOf, TransportError } from '../../errors.ts';
import type { GroupConnection, ListedMember } from './group-connection.ts';
import type { Machine } from './machine.ts';
import { protocolTypeOf, toTransportError } from './kafka-errors.ts';
import type { ResolvedKafkaOptions } from './kafka-options.ts';
import { type MemberName, memberNameOf, type ProcessName } from './member-name.ts';

const firstLookMs = 25;
const longestLookMs = 500;
const laterJoinMs = 1_000; // a join that is no process's first waits for live members, mostly

/** What a look at the group's members means for one of them. */
export interface Sighting {
  /** Whether the broker knows of this member by now. */
  readonly isListed: boolean;
  /** Member ids of those that are gone for sure, or whose name this one bears now. */
  readonly gone: readonly string[];
  /** The client id of one that bears this one's name, and came later. */
  readonly successor: string | undefined;
}

/** Says who of the `members` is a predecessor of `own`; one of whom nothing is sure is none. */
export function sightingOf(own: MemberName, members: readonly ListedMember[], isGone: (process: ProcessName) => boolean): Sighting {
  const gone: string[] = [];
  let isListed = false;
  let successor: string | undefined;
  for (const { memberId, clientId } of members) {
    const name = memberNameOf(clientId);
    if (name === undefined) continue;
    if (JSON.stringify(name) === JSON.stringify(own)) isListed = true;
    else if (name.kind === 'process') {
      if (isGone(name)) gone.push(memberId);
    } else if (own.kind === 'instance' && name.instance === own.instance) {
      if (name.term > own.term || (name.term === own.term && name.nonce > own.nonce)) successor = clientId;
      else gone.push(memberId);
    }
  }
  return { isListed, gone, successor };
}

/** The term of a process that takes a name now: later than that of everybody who bears it, whatever their clocks say. */
export const nextTerm = (instance: string, members: readonly ListedMember[], nowMs: number): number =>
  members.reduce((term, { clientId }) => {
    const name = memberNameOf(clientId);
    return name?.kind === 'instance' && name.instance === instance && name.term >= term ? name.term + 1 : term;
  }, Math.floor(nowMs));

let consumers = 0;

/** What a new member's client id is to say of it: the name it was given, else its process, else nothing. */
export async function nameFor(
  instance: string | false | undefined,
  connection: Pick<GroupConnection, 'members'>,
  clock: Clock,
  { self }: Pick<Machine, 'self'>,
): Promise<MemberName | undefined> {
  if (instance === false) return undefined;
  if (instance === undefined) return self && { kind: 'process', ...self, serial: (consumers += 1) };
  const members = await connection.members().catch(() => []); // who may not look takes the time alone
  const nonce = Math.floor(Math.random() * 36 ** 4)
    .toString(36)
    .padStart(4, '0');
  return { kind: 'instance', instance, term: nextTerm(instance, members, clock.nowMs()), nonce };
}

export interface PredecessorsOptions {
  readonly connection: Pick<GroupConnection, 'members' | 'leave'>;
  readonly clock: Clock;
  readonly groupId: string;
  readonly own: MemberName;
  readonly isGone: (process: ProcessName) => boolean;
  readonly kafka: Pick<ResolvedKafkaOptions, 'brokers' | 'log' | 'sessionTimeoutMs'>;
  /** Another process bears this one's name, and came later. */
  readonly succeeded: (error: TransportError) => void;
}

/**
 * Leaves the group in the name of members whose process is gone, so that a join does not wait for the end of their sessions: a
 * member's id is all that a LeaveGroup asks for. Should such a process live after all, its id is unknown from then on, and what
 * it still finishes is fenced. It looks while a join is under way, and leaves only when the member that joins is listed: left by
 * the last of its members a group is empty, and a broker lets the first that comes then wait for others
 * (`group.initial.rebalance.delay.ms`, 3 s by default). Holds nothing but whether it looks.
 */
export class Predecessors {
  readonly #options: PredecessorsOptions;
  #watch: AbortController | undefined;
  #isFirst = true;
  #isRefused = false;

  constructor(options: PredecessorsOptions) {
    this.#options = options;
  }

  /** A join is under way. */
  joining(): void {
    this.stop();
    if (this.#isRefused) return;
    const watch = new AbortController();
    this.#watch = watch;
    const isUrgent = this.#isFirst || this.#options.own.kind === 'instance';
    void this.#lookUntil(watch.signal, isUrgent ? firstLookMs : laterJoinMs).catch(() => undefined); // aborted
  }

  /** The join is over. */
  joined(): void {
    this.stop();
    this.#isFirst = false;
    // the join may have been quicker than the look
    if (this.#options.own.kind === 'instance') void this.#look(() => true);
  }

  stop(): void {
    this.#watch?.abort();
    this.#watch = undefined;
  }

  async #lookUntil(signal: AbortSignal, firstMs: number): Promise<void> {
    for (let waitMs = firstMs; !this.#isRefused; waitMs = Math.min(waitMs * 1.5, longestLookMs)) {
      await sleep(this.#options.clock, waitMs, signal);
      await this.#look(() => !signal.aborted);
    }
  }

  async #look(isWanted: () => boolean): Promise<void> {
    const { connection, own, isGone, succeeded, groupId } = this.#options;
    try {
      const { isListed, gone, successor } = sightingOf(own, await connection.members(), isGone);
      if (!isWanted()) return;
      if (successor !== undefined && own.kind === 'instance') {
        const text = `another process has joined group ${groupId} as instance ${own.instance} (${successor}), and this one makes room; give each process an instance name of its own`;
        succeeded(new TransportError('fenced', text));
      } else if (isListed) for (const memberId of gone) await this.#leaveFor(memberId);
    } catch (error) {
      this.#refused(error);
    }
  }

  async #leaveFor(memberId: string): Promise<void> {
    const { connection, groupId, kafka } = this.#options;
    try {
      await connection.leave(memberId);
      kafka.log?.('info', 'left the group for a member whose process is gone', { groupId, memberId });
    } catch (error) {
      if (protocolTypeOf(error) !== 'UNKNOWN_MEMBER_ID') throw error; // somebody was quicker
    }
  }

  /** What passes is tried at the next look; who may not look waits for sessions to end, as everybody would. */
  #refused(error: unknown): void {
    const { kafka, groupId } = this.#options;
    const failure = toTransportError(error, `look for members of group ${groupId} whose process is gone`, kafka.brokers);
    if (failure.code === 'transport_unavailable' || this.#isRefused) return;
    this.#isRefused = true;
    const why = `${messageOf(failure)}: a start after a crash waits for up to ${String(Math.ceil(kafka.sessionTimeoutMs / 1_000))} s`;
    kafka.log?.('warn', why);
  }
}
