import type { Clock } from '../../clock.ts';
import { OptionError, RecordError } from '../../errors.ts';
import { sharePlaces, type SharePlaces } from './share-places.ts';
import { formatPartition, type TopicPartition } from '../../record/record.ts';
import { type Amounts, units } from '../call-amounts.state.ts';
import { decodeLease, encodeLease, type Lease } from '../lease.state.ts';
import type { NoteGroup, NoteKeeper, PartitionNote, WrittenNote } from '../partition-notes.ts';
import type { OpenLease, PartitionShare } from '../partition-share.state.ts';
import type { SharedBudgetState } from '../shared-budget.state.ts';
import type { ResolvedBudget } from '../token-budget-options.ts';

/** Beside two commits: the way to the log and back, and what a busy process is late. */
const leaseSlackMs = 2_000;

export interface ShareKeeperOptions {
  readonly rules: ResolvedBudget;
  readonly state: SharedBudgetState;
  /** What the calls want that wait, together. */
  readonly demand: () => Amounts;
  /** More may be spent than before. */
  readonly freed: () => void;
}

/** Leases the shares of a budget with the commits of the partitions that are owned. */
export class ShareKeeper implements NoteKeeper {
  readonly #options: ShareKeeperOptions;
  readonly #shares = new Set<PartitionShare>();
  readonly #tooLargeSinceMs = new WeakMap<Amounts, number>();
  /** Of the partitions that are owned, those that have no share. */
  readonly #without = new Set<string>();
  #group: (NoteGroup & { readonly places: SharePlaces }) | undefined;

  constructor(options: ShareKeeperOptions) {
    this.#options = options;
  }

  attach(group: NoteGroup): () => void {
    const { rules, state } = this.#options;
    const { partitions, commitIntervalMs } = group;
    if (this.#group) throw new OptionError("a tokenBudget with sharedBy: 'partitions' is for one pipeline at a time; give each its own");
    const places = sharePlaces(partitions, rules.mostPartitions);
    const least = Math.min(...units.map((unit) => rules.limits[unit]));
    if (least < places.count)
      throw new OptionError(
        `each of the ${String(places.count)} partitions must have 1 at least of what tokenBudget allows in windowMs, got ${String(least)}: raise the limit or windowMs, or leave sharedBy out`,
      );
    const attached = { ...group, places };
    state.leaseMs = leaseSlackMs + 2 * commitIntervalMs;
    this.#group = attached;
    return () => {
      if (this.#group === attached) this.#group = undefined;
    };
  }

  gained(partition: TopicPartition, text: string | undefined): PartitionNote {
    const group = this.#group;
    if (!group) throw new OptionError("a tokenBudget with sharedBy: 'partitions' belongs to no pipeline that runs");
    const id = formatPartition(partition);
    const nowMs = group.clock.nowMs();
    const place = group.places.of(partition);
    if (!place) this.#without.add(id);
    this.#tellWithout(group);
    const { state, freed, demand } = this.#options;
    const share = state.gain(id, place, text === 'unreadable' ? 'unknown' : leaseOf(text), nowMs);
    this.#shares.add(share);
    this.changed();
    return {
      get isBehind() {
        return share.wantsLease(demand(), group.clock.nowMs());
      },
      write: () => this.#write(share, group.clock),
      leave: () => share.leave(),
      lose: () => {
        this.#shares.delete(share);
        state.lose(id, share);
        if (this.#without.delete(id)) this.#tellWithout(group);
        freed();
      },
    };
  }

  /** Asks for a commit if a lease should be written. */
  changed(): void {
    const group = this.#group;
    if (!group) return;
    const wanted = this.#options.demand();
    const nowMs = group.clock.nowMs();
    for (const share of this.#shares) {
      if (!share.wantsLease(wanted, nowMs)) continue;
      group.changed();
      return;
    }
  }

  /** Why a call that waits is to fail: for a window it was more than all partitions that are owned may spend in one. */
  refusal(wanted: Amounts, nowMs: number): Error | undefined {
    const limits = this.#options.state.limits();
    const unit = units.find((one) => wanted[one] > limits[one]);
    // where nothing but added partitions is owned, that is no fault of the call
    if (unit === undefined || this.#without.size === this.#shares.size) {
      this.#tooLargeSinceMs.delete(wanted);
      return undefined;
    }
    const sinceMs = this.#tooLargeSinceMs.get(wanted) ?? nowMs;
    this.#tooLargeSinceMs.set(wanted, sinceMs);
    if (nowMs - sinceMs < this.#options.rules.windowMs) return undefined;
    const owned = `${String(this.#shares.size)} of ${String(this.#group?.partitions.length ?? 0)} partitions`;
    return new RecordError(
      'call_too_large',
      `a call that may use ${String(wanted[unit])} (${unit}) cannot run within the share of this instance, ${String(limits[unit])} for ${owned}: shorten the prompt or maxTokens, raise the limit, or run fewer instances`,
    );
  }

  #tellWithout({ trouble }: NoteGroup): void {
    trouble(
      this.#without.size === 0
        ? undefined
        : `${[...this.#without].join(', ')} came after the start and has no share of the token budget: its calls wait for what other partitions leave. Stop all instances, then start them anew, or give tokenBudget mostPartitions`,
    );
  }

  #write(share: PartitionShare, clock: Clock): WrittenNote {
    const open: OpenLease = share.write(this.#options.demand(), clock.nowMs());
    const { freed } = this.#options;
    return {
      text: open.lease.length === 0 ? '' : encodeLease(open.lease),
      stored: () => {
        share.stored(open);
        freed();
        this.changed();
      },
      failed: () => share.failed(open),
      dropped: () => share.dropped(open),
    };
  }
}

const leaseOf = (text: string | undefined): Lease | undefined => (text === undefined ? undefined : decodeLease(text));
