import { balance, type Claim } from '../balance.state.ts';

/** What a member is to be told after a rebalance. Partitions are `topic/partition`. */
export interface Change {
  readonly memberId: string;
  readonly gained: readonly string[];
  readonly revoked: readonly string[];
}

export interface Committed {
  readonly offset: bigint;
  readonly metadata: string;
}

interface GroupMember {
  readonly topics: readonly string[];
  readonly owned: Map<string, 'held' | 'revoking'>;
}

/**
 * The coordinator of one consumer group: who is in it, who owns what, what is committed. A partition has one owner at
 * most; one that is to move is first `revoking` at its owner, and goes to the next when it was released. Holds an
 * entry per member and per partition that was ever committed. Offsets that belong to a transaction wait with it.
 */
export class Group {
  readonly #members = new Map<string, GroupMember>();
  readonly #committed = new Map<string, Committed>();
  #generation = 0;

  get generation(): number {
    return this.#generation;
  }

  /** Topics that at least one member subscribes to. */
  get topics(): ReadonlySet<string> {
    return new Set([...this.#members.values()].flatMap((member) => member.topics));
  }

  get members(): ReadonlyMap<string, { readonly owned: ReadonlyMap<string, 'held' | 'revoking'> }> {
    return this.#members;
  }

  join(memberId: string, topics: readonly string[]): void {
    this.#members.set(memberId, { topics, owned: new Map() });
  }

  /** The member is gone, by itself or expelled; what it owned is free with the next rebalance. Unknown members are ignored. */
  remove(memberId: string): void {
    this.#members.delete(memberId);
  }

  /** The member has let go what was revoked. A release that comes after the end of the membership changes nothing. */
  released(memberId: string, partitions: readonly string[]): void {
    const owned = this.#members.get(memberId)?.owned;
    for (const partition of partitions) if (owned?.get(partition) === 'revoking') owned.delete(partition);
  }

  /** Begins a generation: decides who gains and who lets go, given all partitions of the subscribed topics. */
  rebalance(all: readonly string[]): readonly Change[] {
    this.#generation += 1;
    const claims = [...this.#members].map(([memberId, { topics, owned }]): Claim => {
      const revoking = [...owned].filter(([, state]) => state === 'revoking').map(([partition]) => partition);
      return { memberId, generation: this.#generation, topics, owned: [...owned.keys()], revoking };
    });
    const plan = balance(all, claims);
    return [...this.#members].map(([memberId, { owned }]) => {
      const planned = new Set(plan.get(memberId));
      const gained = [...planned].filter((partition) => !owned.has(partition));
      const revoked = [...owned]
        .filter(([partition, state]) => state === 'held' && !planned.has(partition))
        .map(([partition]) => partition);
      for (const partition of gained) owned.set(partition, 'held');
      for (const partition of revoked) owned.set(partition, 'revoking');
      return { memberId, gained, revoked };
    });
  }

  owns(memberId: string, partition: string): boolean {
    return this.#members.get(memberId)?.owned.has(partition) === true;
  }

  /** Stores an offset if the member owns the partition, revoking or not; says whether it did. */
  commit(memberId: string, partition: string, committed: Committed): boolean {
    if (!this.owns(memberId, partition)) return false;
    this.#committed.set(partition, committed);
    return true;
  }

  /** What a transaction has stored, now that it is committed: its writer was checked, membership plays no part. */
  store(partition: string, committed: Committed): void {
    this.#committed.set(partition, committed);
  }

  committed(partition: string): Committed | undefined {
    return this.#committed.get(partition);
  }
}
