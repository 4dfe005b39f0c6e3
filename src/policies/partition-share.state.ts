import { type Amounts, type Unit, units } from './call-amounts.state.ts';
import type { Lease } from './lease.state.ts';
import { dayMs, SlidingSum, type SumBucket } from './sliding-sum.state.ts';
import { type BudgetLimits, eachUnit, sumRules } from './token-budget.state.ts';

export interface ShareRules extends BudgetLimits {
  /** How long a lease is good for. */
  readonly leaseMs: number;
}

/** A lease on its way to the log. */
export interface OpenLease {
  readonly lease: Lease;
  /** What may still be spent under it. */
  readonly left: Record<Unit, number>;
  readonly untilMs: number;
}

// How finely a lease tells what was spent, best first: a new owner waits out one cell too much, at most. Each falls into the next, so that
// what is told by one owner after the other, finer or not, comes to be told an eighth of a window late at most.
const cellsPerWindow = [512, 256, 128, 64, 32, 16, 8] as const;
/** Bounds a lease's text to about 1,000 characters of the 4,096 that a commit has; 8 cells a window and a day come to 18 at most. */
export const mostEntries = 48;
const share = 20; // of the limit, is leased at least: 1 / 20

/**
 * One partition's share of a limit, with a sliding window of its own. Its owner may spend only what the log says that it may ("until T
 * at most X"), so whoever owns the partition next knows the most that can have been spent, whatever became of this owner.
 *
 * A lease that is on its way binds already, and the one before it still does: nobody knows which of them a next owner will read.
 */
export class PartitionShare {
  readonly #rules: ShareRules;
  readonly #sums: Readonly<Record<Unit, SlidingSum>>;
  #allowed: { readonly left: Record<Unit, number>; readonly untilMs: number } = nothingAllowed();
  #open: OpenLease | undefined;
  #isLeaving = false;
  /** It was spent from, or left, since the last lease that is stored. */
  #isChanged = false;

  /** @param stored what the owner before has left in the log */
  constructor(rules: ShareRules, stored: Lease | undefined, nowMs: number) {
    this.#rules = rules;
    this.#sums = eachUnit((unit) => new SlidingSum({ limit: rules.limits[unit], ...sumRules(rules, unit) }));
    for (const { atMs, amounts } of stored ?? []) {
      for (const unit of units) this.#sums[unit].spend(amounts[unit] ?? 0, Math.min(atMs, nowMs), atMs);
    }
  }

  get isLeaving(): boolean {
    return this.#isLeaving;
  }

  limit(unit: Unit): number {
    return this.#rules.limits[unit];
  }

  spent(unit: Unit, nowMs: number): number {
    return this.#sums[unit].spent(nowMs);
  }

  /** What its window has room for, leased or not. */
  room(unit: Unit, nowMs: number): number {
    return this.#isLeaving ? 0 : Math.max(0, this.#sums[unit].left(nowMs));
  }

  /** What may be spent now. */
  free(unit: Unit, nowMs: number): number {
    if (this.#rules.limits[unit] === Infinity) return this.#isLeaving ? 0 : Infinity;
    const bounds = [this.#allowed, ...(this.#open ? [this.#open] : [])];
    if (bounds.some(({ untilMs }) => nowMs >= untilMs)) return 0;
    return Math.max(0, Math.min(this.room(unit, nowMs), ...bounds.map(({ left }) => left[unit])));
  }

  /** When its window has more room than now; Infinity if it is empty. */
  nextRoomMs(unit: Unit, nowMs: number): number {
    return this.#sums[unit].nextEndMs(nowMs);
  }

  spend(unit: Unit, amount: number, nowMs: number): SumBucket {
    this.#allowed.left[unit] -= amount;
    if (this.#open) this.#open.left[unit] -= amount;
    if (amount > 0 && this.#rules.limits[unit] < Infinity) this.#isChanged = true;
    return this.#sums[unit].spend(amount, nowMs);
  }

  giveBack(unit: Unit, bucket: SumBucket, amount: number): void {
    this.#sums[unit].giveBack(bucket, amount);
    if (amount > 0) this.#isChanged = true;
  }

  /** No more is spent of it: the next lease says exactly what was. */
  leave(): void {
    this.#isLeaving = true;
    this.#allowed = nothingAllowed();
    this.#isChanged = true;
  }

  /** Whether a lease should be written soon, where calls wait for `demand`. */
  wantsLease(demand: Amounts, nowMs: number): boolean {
    if (this.#open) return false;
    if (this.#isLeaving) return this.#isChanged;
    return limited(this.#rules).some((unit) => {
      const room = this.#roomAt(unit, nowMs + this.#rules.leaseMs / 2, nowMs);
      const isOld = this.#allowed.untilMs - nowMs < this.#rules.leaseMs / 2;
      if (Math.min(room, demand[unit]) > (isOld ? 0 : this.#allowed.left[unit])) return true;
      return isOld && room > 0 && this.#sums[unit].spentSince(nowMs - this.#rules.leaseMs, nowMs) > 0;
    });
  }

  /** The lease to be written now. It binds until one of `stored`, `failed` or `dropped` is told of it. */
  write(demand: Amounts, nowMs: number): OpenLease {
    if (this.#open) this.failed(this.#open);
    const untilMs = Math.min(nowMs + this.#rules.leaseMs, this.#dayEndMs(nowMs)); // of what a day has nothing is told in another
    const left = eachUnit((unit) => (this.#isLeaving ? 0 : this.#toLease(unit, demand[unit], untilMs, nowMs)));
    this.#open = { lease: this.#told(left, untilMs, nowMs), left, untilMs };
    this.#isChanged = false;
    return this.#open;
  }

  /** It is in the log: it alone binds. */
  stored(open: OpenLease): void {
    if (this.#open !== open) return;
    this.#open = undefined;
    this.#allowed = this.#isLeaving ? nothingAllowed() : open;
  }

  /** Nobody knows whether it is in the log: it binds as well as the one before. */
  failed(open: OpenLease): void {
    if (this.#open !== open) return;
    this.#open = undefined;
    this.#isChanged = true;
    const { left, untilMs } = this.#allowed;
    this.#allowed = { left: eachUnit((unit) => Math.min(left[unit], open.left[unit])), untilMs: Math.min(untilMs, open.untilMs) };
  }

  /** It was never sent. */
  dropped(open: OpenLease): void {
    if (this.#open !== open) return;
    this.#open = undefined;
    this.#isChanged = true;
  }

  /** What its window will have room for then. */
  #roomAt(unit: Unit, ms: number, nowMs: number): number {
    return Math.max(0, this.#sums[unit].leftAt(Math.max(ms, nowMs), nowMs));
  }

  // Room that comes within the lease is leased as well: else each piece of it would wait for a commit of its own. Its owner spends it when it
  // is there, and not before; a next owner counts it from the end of the lease on, which is later than it was spent.
  #toLease(unit: Unit, demand: number, untilMs: number, nowMs: number): number {
    const limit = this.#rules.limits[unit];
    if (limit === Infinity) return Infinity;
    const recent = this.#sums[unit].spentSince(nowMs - this.#rules.leaseMs, nowMs);
    if (demand === 0 && recent === 0) return 0; // what nobody uses must not be lost when its owner dies
    return Math.min(this.#roomAt(unit, untilMs, nowMs), Math.max(demand, 2 * recent, Math.ceil(limit / share)));
  }

  /**
   * What was spent, in cells of the time since 1970, so that it is not told later with every owner, and as fine as there is place for; with
   * the rest, and at its end, what may be.
   */
  #told(left: Record<Unit, number>, untilMs: number, nowMs: number): Lease {
    let lease: Lease = [];
    for (const cells of cellsPerWindow) {
      lease = this.#inCells(cells, left, untilMs, nowMs);
      if (lease.length <= mostEntries) break;
    }
    return lease;
  }

  #inCells(perWindow: number, left: Record<Unit, number>, untilMs: number, nowMs: number): Lease {
    const cells = new Map<number, Partial<Record<Unit, number>>>();
    const add = (atMs: number, unit: Unit, amount: number): void => {
      if (amount === 0) return;
      const cell = cells.get(atMs) ?? {};
      cell[unit] = (cell[unit] ?? 0) + amount;
      cells.set(atMs, cell);
    };
    for (const unit of limited(this.#rules)) {
      const cellMs = (unit === 'money' ? dayMs : this.#rules.windowMs) / perWindow;
      let newestMs = left[unit] > 0 ? untilMs : Number.NEGATIVE_INFINITY;
      let rest = left[unit];
      for (const { atMs, amount } of this.#sums[unit].entries(nowMs)) {
        const endMs = Math.min(Math.ceil(atMs / cellMs) * cellMs, unit === 'money' ? this.#dayEndMs(atMs) - 1 : Infinity);
        if (endMs <= nowMs && endMs >= atMs) add(endMs, unit, amount);
        else {
          newestMs = Math.max(newestMs, atMs);
          rest += amount;
        }
      }
      add(unit === 'money' ? Math.min(newestMs, this.#dayEndMs(nowMs) - 1) : newestMs, unit, rest);
    }
    return [...cells].sort(([a], [b]) => a - b).map(([atMs, amounts]) => ({ atMs, amounts }));
  }

  /** Where days count apart; else there is no end. */
  #dayEndMs(nowMs: number): number {
    const { moneyDay, limits } = this.#rules;
    return moneyDay === 'utc' && limits.money < Infinity ? (Math.floor(nowMs / dayMs) + 1) * dayMs : Infinity;
  }
}

const limited = ({ limits }: ShareRules): readonly Unit[] => units.filter((unit) => limits[unit] < Infinity);
const nothingAllowed = () => ({ left: eachUnit(() => 0), untilMs: Number.NEGATIVE_INFINITY });
