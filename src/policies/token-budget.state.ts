import { type Amounts, type Unit, units } from './call-amounts.state.ts';
import { dayMs, SlidingSum, type SumWindow } from './sliding-sum.state.ts';

export interface BudgetLimits {
  /** Infinity: none. Money is for a day, all else for a window. */
  readonly limits: Amounts;
  readonly windowMs: number;
  readonly jitterMs: number;
  readonly moneyDay: 'sliding' | 'utc';
}

/** One call's share of the budget. */
export interface Reservation {
  readonly amounts: Amounts;
  readonly atMs: number;
  /** Where it was taken from. */
  readonly pieces: readonly ReservedPiece[];
}

export interface ReservedPiece {
  readonly unit: Unit;
  readonly amount: number;
  readonly giveBack: (amount: number) => void;
}

/** Gives back of one unit, from the piece taken last on. */
export function giveBackOf({ pieces }: Reservation, unit: Unit, amount: number): void {
  let rest = amount;
  for (const piece of pieces.toReversed()) {
    if (piece.unit !== unit || rest <= 0) continue;
    const back = Math.min(rest, piece.amount);
    rest -= back;
    piece.giveBack(back);
  }
}

/** What a provider says is left of its own limits, at some moment. */
export interface Observation {
  /** By the provider's own clock, where it tells it. */
  readonly dateMs: number | undefined;
  /** Nothing may be asked for so long. */
  readonly retryAfterMs: number | undefined;
  readonly left: readonly { readonly unit: Unit; readonly left: number; readonly resetMs: number | undefined }[];
}

/** What was spent and what is left, however it is kept. */
export interface BudgetSums {
  /** What counts now. */
  spent(nowMs: number): Amounts;
  /** What may be spent now; below 0 when more was used than reserved. */
  left(nowMs: number): Amounts;
  /** Until when the provider asks for a pause; in the past where it does not. */
  readonly pausedUntilMs: number;
  /** When a call of so much fits, if nothing else is spent until then; Infinity if it never does. */
  readyAtMs(wanted: Amounts, nowMs: number): number;
  /** Spends before the call; ask `readyAtMs` first. */
  reserve(amounts: Amounts, nowMs: number): Reservation;
  /**
   * Corrects a reservation to what was used. Less goes back to the time of the reservation; more is spent now, since
   * that is when it became known.
   */
  settle(reservation: Reservation, used: Amounts, nowMs: number): void;
  /** The call was never made. */
  cancel(reservation: Reservation): void;
  /**
   * Takes note of what a provider says; it can only lower what is left. What is older than what was seen last counts for nothing;
   * where nobody can say which is older, the lower one counts.
   *
   * @param sentMs when the request was sent that was answered so: what was reserved since then is not in the provider's numbers
   */
  observe(observation: Observation, nowMs: number, sentMs: number): void;
}

/** The rules of each unit's sum. */
export function sumRules(
  { windowMs, jitterMs, moneyDay }: Omit<BudgetLimits, 'limits'>,
  unit: Unit,
): { window: SumWindow; jitterMs: number } {
  if (unit !== 'money') return { window: { kind: 'sliding', ms: windowMs }, jitterMs };
  return { window: moneyDay === 'utc' ? { kind: 'utc-day' } : { kind: 'sliding', ms: dayMs }, jitterMs };
}

/** A record with a value for each unit. */
export const eachUnit = <T>(valueOf: (unit: Unit) => T): Record<Unit, T> =>
  Object.fromEntries(units.map((unit) => [unit, valueOf(unit)])) as Record<Unit, T>;

/**
 * A response may be overtaken by others for so long; Dates that lie further apart, or leap further ahead than our own clock went, are of
 * a clock that is wrong. Then the order of arrival decides, or one Date in the far future would make all later ones old.
 */
const mostSkewMs = 60_000;

/** What was spent of every unit, and what a provider says is left. Holds about 1,000 sums a unit. */
export class BudgetState implements BudgetSums {
  readonly #sums: Readonly<Record<Unit, SlidingSum>>;
  readonly #windowMs: number;
  #blockedUntilMs = Number.NEGATIVE_INFINITY;
  #newest = { dateMs: Number.NEGATIVE_INFINITY, seenMs: Number.NEGATIVE_INFINITY, sentMs: Number.NEGATIVE_INFINITY };

  constructor(given: BudgetLimits) {
    this.#windowMs = given.windowMs;
    this.#sums = eachUnit((unit) => new SlidingSum({ limit: given.limits[unit], ...sumRules(given, unit) }));
  }

  get pausedUntilMs(): number {
    return this.#blockedUntilMs;
  }

  spent(nowMs: number): Amounts {
    return eachUnit((unit) => this.#sums[unit].spent(nowMs));
  }

  left(nowMs: number): Amounts {
    return eachUnit((unit) => this.#sums[unit].left(nowMs));
  }

  readyAtMs(wanted: Amounts, nowMs: number): number {
    return Math.max(this.#blockedUntilMs, ...units.map((unit) => this.#sums[unit].readyAtMs(wanted[unit], nowMs)));
  }

  reserve(amounts: Amounts, nowMs: number): Reservation {
    const pieces = units.map((unit): ReservedPiece => {
      const sum = this.#sums[unit];
      const bucket = sum.spend(amounts[unit], nowMs);
      return { unit, amount: amounts[unit], giveBack: (amount) => sum.giveBack(bucket, amount) };
    });
    return { amounts, atMs: nowMs, pieces };
  }

  settle(reservation: Reservation, used: Amounts, nowMs: number): void {
    for (const unit of units) {
      const over = used[unit] - reservation.amounts[unit];
      if (over > 0) this.#sums[unit].spend(over, nowMs);
      else giveBackOf(reservation, unit, -over);
    }
  }

  cancel(reservation: Reservation): void {
    for (const { amount, giveBack } of reservation.pieces) giveBack(amount);
  }

  observe({ dateMs, retryAfterMs, left }: Observation, nowMs: number, sentMs: number): void {
    const { dateMs: newestMs, seenMs } = this.#newest;
    const aheadMs = (dateMs ?? newestMs) - newestMs;
    if (dateMs === undefined ? nowMs < seenMs : aheadMs < 0 && aheadMs >= -mostSkewMs) return;
    const isPlausible = newestMs === Number.NEGATIVE_INFINITY || aheadMs <= nowMs - seenMs + mostSkewMs;
    const isNewer = dateMs === undefined ? sentMs >= this.#newest.sentMs : dateMs > newestMs && isPlausible;
    this.#newest = {
      dateMs: dateMs ?? this.#newest.dateMs,
      seenMs: Math.max(nowMs, this.#newest.seenMs),
      sentMs: Math.max(sentMs, this.#newest.sentMs),
    };
    if (retryAfterMs !== undefined) this.#blockedUntilMs = Math.max(this.#blockedUntilMs, nowMs + retryAfterMs);
    for (const { unit, left: told, resetMs = this.#windowMs } of left) {
      if (resetMs <= 0) continue; // it is full again already
      const sum = this.#sums[unit];
      const remaining = told - sum.spentSince(sentMs, nowMs);
      if (isNewer) sum.cap(remaining, nowMs, nowMs + resetMs);
      else sum.lowerCap(remaining, nowMs, nowMs + resetMs);
    }
  }
}
