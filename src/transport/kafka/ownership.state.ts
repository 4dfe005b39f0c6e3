import { formatPartition, type OwnedPartition, parsePartition } from '../../record/record.ts';

/**
 * `starting`: gained, and nothing told yet, because where to start is being looked up. `live`: told and delivered.
 * `revoking`: to go to somebody else when what is in flight is done; a revoke is final.
 */
export type Phase = 'starting' | 'live' | 'revoking';

export interface Tenure extends OwnedPartition {
  readonly phase: Phase;
}

/** What a member tells the group when it joins. */
export interface OwnClaim {
  readonly generation: number;
  readonly owned: readonly string[];
  readonly revoking: readonly string[];
}

/** What a finished join means. `dropped` went before it was told to anybody: it is only to be left out of the next claim. */
export interface Synced {
  readonly gained: readonly OwnedPartition[];
  readonly revoked: readonly OwnedPartition[];
  readonly dropped: readonly OwnedPartition[];
}

/**
 * Which partitions one group member holds, under which member id, and in which epoch of each. Ownership is unbroken
 * exactly while the member id stays the same: after an expulsion the client silently asks for a new one, and everything
 * that was gained under the old one is somebody else's. Holds one entry per partition held.
 */
export class OwnershipState {
  readonly #tenures = new Map<string, Tenure>();
  #memberId: string | null = null;
  #generation = -1;
  #lastEpoch = 0;

  /** The member id under which everything here was gained; null when nothing can be held. */
  get memberId(): string | null {
    return this.#memberId;
  }

  get generation(): number {
    return this.#generation;
  }

  get all(): readonly Tenure[] {
    return [...this.#tenures.values()];
  }

  /** What is held of a partition; with an epoch, only if that is the present one. */
  find(partition: { readonly topic: string; readonly partition: number; readonly epoch?: number }): Tenure | undefined {
    const tenure = this.#tenures.get(formatPartition(partition));
    return tenure && (partition.epoch === undefined || partition.epoch === tenure.epoch) ? tenure : undefined;
  }

  /** For the next join: what is still being drained counts as owned, so that nobody else is given it. */
  claim(): OwnClaim {
    const owned = [...this.#tenures];
    return {
      generation: this.#generation,
      owned: owned.map(([key]) => key),
      revoking: owned.filter(([, { phase }]) => phase === 'revoking').map(([key]) => key),
    };
  }

  /** The client's member id is now this one. Returns what is lost by that: all, or nothing. */
  identify(memberId: string | null): readonly Tenure[] {
    if (memberId === this.#memberId) return [];
    const lost = this.all;
    this.#tenures.clear();
    this.#memberId = memberId;
    return lost;
  }

  /** A join is complete. Call `identify` with the same member id before. */
  synced(generation: number, assigned: readonly string[]): Synced {
    this.#generation = generation;
    const now = new Set(assigned);
    const revoked: OwnedPartition[] = [];
    const dropped: OwnedPartition[] = [];
    for (const [key, tenure] of this.#tenures) {
      if (now.has(key) || tenure.phase === 'revoking') continue;
      if (tenure.phase === 'starting') {
        dropped.push(tenure);
        this.#tenures.delete(key);
      } else {
        revoked.push(tenure);
        this.#tenures.set(key, { ...tenure, phase: 'revoking' });
      }
    }
    const gained = assigned.filter((key) => !this.#tenures.has(key)).map((key) => this.#gain(key));
    return { gained, revoked, dropped };
  }

  /** The start of a gained partition is known: from now on it is delivered. False when it is not ours any more. */
  started(partition: OwnedPartition): boolean {
    const tenure = this.find(partition);
    if (tenure?.phase !== 'starting') return false;
    this.#tenures.set(formatPartition(partition), { ...tenure, phase: 'live' });
    return true;
  }

  /** A revoked partition is drained. False when it was lost meanwhile. */
  released(partition: OwnedPartition): boolean {
    if (this.find(partition)?.phase !== 'revoking') return false;
    return this.#tenures.delete(formatPartition(partition));
  }

  /** Ends the present epoch of a partition that stays here, and begins another; undefined when it is not ours, or is to go. */
  renew(partition: {
    readonly topic: string;
    readonly partition: number;
  }): { readonly lost: Tenure; readonly gained: OwnedPartition } | undefined {
    const lost = this.find(partition);
    if (lost?.phase !== 'live') return undefined;
    return { lost, gained: this.#gain(formatPartition(partition)) };
  }

  #gain(key: string): OwnedPartition {
    this.#lastEpoch += 1;
    const partition = { ...parsePartition(key), epoch: this.#lastEpoch };
    this.#tenures.set(key, { ...partition, phase: 'starting' });
    return partition;
  }
}
