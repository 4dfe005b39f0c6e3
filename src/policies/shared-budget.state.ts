import { type Amounts, type Unit, units } from './call-amounts.state.ts';
import { PartitionShare, type ShareRules } from './partition-share.state.ts';
import type { Lease } from './lease.state.ts';
import {
  BudgetState,
  type BudgetSums,
  eachUnit,
  giveBackOf,
  type Observation,
  type Reservation,
  type ReservedPiece,
} from './token-budget.state.ts';

const soonestMs = 50; // between two looks at windows that move all the time
const leaseWaitMs = 1_000; // a look after so long, should nobody tell of a lease that is stored

/** The share of the `index`th of `count` partitions: whole numbers that add up to the limit. */
export function limitsOf(limits: Amounts, index: number, count: number): Amounts {
  return eachUnit((unit) => {
    const limit = limits[unit];
    return limit === Infinity ? Infinity : Math.floor(((index + 1) * limit) / count) - Math.floor((index * limit) / count);
  });
}

/**
 * A budget that several instances share: what this one may spend is what the partitions that it owns may, each by a lease of its own. A
 * call draws on all of them.
 */
export class SharedBudgetState implements BudgetSums {
  readonly #rules: ShareRules;
  /** Of the partitions that are gained from now on. */
  leaseMs: number;
  readonly #shares = new Map<string, PartitionShare>();
  /** Has no limits: keeps what a provider says, which concerns all instances alike. */
  readonly #told: BudgetState;

  constructor(rules: ShareRules) {
    this.#rules = rules;
    this.leaseMs = rules.leaseMs;
    this.#told = new BudgetState({ ...rules, limits: eachUnit(() => Infinity) });
  }

  /**
   * @param place undefined: it has no share
   * @param stored undefined: nobody has spent anything of it; 'unknown': all of it may be spent
   */
  gain(
    partition: string,
    place: { readonly index: number; readonly count: number } | undefined,
    stored: Lease | 'unknown' | undefined,
    nowMs: number,
  ): PartitionShare {
    const none = eachUnit((unit) => (this.#rules.limits[unit] === Infinity ? Infinity : 0));
    const limits = place ? limitsOf(this.#rules.limits, place.index, place.count) : none;
    const spent =
      stored === 'unknown' ? [{ atMs: nowMs, amounts: eachUnit((unit) => (limits[unit] === Infinity ? 0 : limits[unit])) }] : stored;
    const share = new PartitionShare({ ...this.#rules, leaseMs: this.leaseMs, limits }, spent, nowMs);
    this.#shares.set(partition, share);
    return share;
  }

  lose(partition: string, share: PartitionShare): void {
    if (this.#shares.get(partition) === share) this.#shares.delete(partition);
  }

  /** The most that may be spent in a window at present. */
  limits(): Amounts {
    return eachUnit((unit) => this.#sum((share) => (share.isLeaving ? 0 : share.limit(unit))));
  }

  get pausedUntilMs(): number {
    return this.#told.pausedUntilMs;
  }

  spent(nowMs: number): Amounts {
    return eachUnit((unit) => this.#sum((share) => share.spent(unit, nowMs)));
  }

  left(nowMs: number): Amounts {
    const told = this.#told.left(nowMs);
    return eachUnit((unit) =>
      Math.min(
        told[unit],
        this.#sum((share) => share.room(unit, nowMs)),
      ),
    );
  }

  readyAtMs(wanted: Amounts, nowMs: number): number {
    const told = this.#told.readyAtMs(wanted, nowMs);
    return Math.max(told, ...units.map((unit) => this.#readyAtMs(unit, wanted[unit], nowMs)));
  }

  reserve(amounts: Amounts, nowMs: number): Reservation {
    const told = this.#told.reserve(amounts, nowMs);
    const pieces = units.flatMap((unit) => this.#draw(unit, amounts[unit], nowMs));
    return { amounts, atMs: nowMs, pieces: [...told.pieces, ...pieces] };
  }

  settle(reservation: Reservation, used: Amounts, nowMs: number): void {
    for (const unit of units) {
      const over = used[unit] - reservation.amounts[unit];
      if (over > 0) this.#draw(unit, over, nowMs);
      // twice: of what a provider has told, and of the shares
      else for (const half of halves(reservation)) giveBackOf(half, unit, -over);
    }
  }

  cancel({ pieces }: Reservation): void {
    for (const { amount, giveBack } of pieces) giveBack(amount);
  }

  observe(observation: Observation, nowMs: number, sentMs: number): void {
    this.#told.observe(observation, nowMs, sentMs);
  }

  #sum(of: (share: PartitionShare) => number): number {
    let sum = 0;
    for (const share of this.#shares.values()) sum += of(share);
    return sum;
  }

  #readyAtMs(unit: Unit, wanted: number, nowMs: number): number {
    if (wanted === 0 || this.#rules.limits[unit] === Infinity) return nowMs;
    if (this.#sum((share) => share.free(unit, nowMs)) >= wanted) return nowMs;
    if (this.#sum((share) => share.room(unit, nowMs)) >= wanted) return nowMs + leaseWaitMs;
    let nextMs = nowMs + leaseWaitMs; // partitions may come
    for (const share of this.#shares.values()) if (!share.isLeaving) nextMs = Math.min(nextMs, share.nextRoomMs(unit, nowMs));
    return Math.max(nextMs, nowMs + soonestMs);
  }

  /** From those that have most: what is left over of small ones is of no use to anybody. What none has room for is the first one's. */
  #draw(unit: Unit, amount: number, nowMs: number): ReservedPiece[] {
    const shares = [...this.#shares.values()].map((share) => ({ share, free: share.free(unit, nowMs) })).sort((a, b) => b.free - a.free);
    const pieces: ReservedPiece[] = [];
    const take = (share: PartitionShare, part: number): void => {
      const bucket = share.spend(unit, part, nowMs);
      pieces.push({ unit, amount: part, giveBack: (back) => share.giveBack(unit, bucket, back) });
    };
    let rest = amount;
    for (const { share, free } of shares) {
      const part = Math.min(rest, free);
      if (part <= 0) break;
      take(share, part);
      rest -= part;
    }
    const [most] = shares;
    if (rest > 0 && most) take(most.share, rest);
    return pieces;
  }
}

/** The first piece of each unit is what was noted beside a provider's words. */
function halves({ amounts, atMs, pieces }: Reservation): readonly Reservation[] {
  return [
    { amounts, atMs, pieces: pieces.slice(0, units.length) },
    { amounts, atMs, pieces: pieces.slice(units.length) },
  ];
}
