import { formatPartition, type OwnedPartition } from '../../record/record.ts';

/** What a consumer knows of a partition that it owns. */
export interface Tenure extends OwnedPartition {
  /** `topic/partition`. */
  readonly key: string;
  /** Next offset to read. */
  position: bigint;
  /** Next offset to be written, as it was told last. */
  told: bigint;
  paused: boolean;
  /** The owner is not told of it before it is `live`. */
  phase: 'starting' | 'live' | 'revoking';
  /** A fetch is under way; it is delivered even if the partition is paused meanwhile. */
  fetching: boolean;
}

export const ownedPart = ({ topic, partition, epoch }: OwnedPartition): OwnedPartition => ({ topic, partition, epoch });

/** What one consumer owns, from the gain of a partition to its release or loss. Holds an entry per partition owned. */
export class Tenures {
  readonly #owned = new Map<string, Tenure>();
  #epoch = 0;

  /** All that was gained together begins one epoch. */
  gain(partitions: readonly Pick<Tenure, 'key' | 'topic' | 'partition'>[]): readonly Tenure[] {
    this.#epoch += 1;
    return partitions.map((one) => {
      const tenure: Tenure = { ...one, epoch: this.#epoch, position: 0n, told: 0n, paused: false, phase: 'starting', fetching: false };
      this.#owned.set(one.key, tenure);
      return tenure;
    });
  }

  at(key: string): Tenure | undefined {
    return this.#owned.get(key);
  }

  find(partition: OwnedPartition): Tenure | undefined {
    const tenure = this.#owned.get(formatPartition(partition));
    return tenure?.epoch === partition.epoch ? tenure : undefined;
  }

  /** Those that are owned without a break. */
  still(tenures: readonly Tenure[]): readonly Tenure[] {
    return tenures.filter((one) => this.#owned.get(one.key) === one);
  }

  /** The owner drains what it was told of; the rest can go at once. */
  revoke(keys: readonly string[]): { readonly going: readonly Tenure[]; readonly untold: readonly Tenure[] } {
    const revoked = keys.flatMap((key) => this.#owned.get(key) ?? []);
    const going = revoked.filter(({ phase }) => phase === 'live');
    for (const tenure of going) tenure.phase = 'revoking';
    return { going, untold: revoked.filter(({ phase }) => phase === 'starting') };
  }

  /** Returns those that were still owned. */
  release(tenures: readonly Tenure[]): readonly Tenure[] {
    const left = this.still(tenures);
    for (const { key } of left) this.#owned.delete(key);
    return left;
  }

  /** Ends all, and returns what the owner has to be told of. */
  lose(): readonly OwnedPartition[] {
    const told = [...this.#owned.values()].filter(({ phase }) => phase !== 'starting');
    this.#owned.clear();
    return told.map(ownedPart);
  }
}
