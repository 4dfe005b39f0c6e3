import { Balance, type Candidate, type Demand, type RoutePolicy } from './balance.state.ts';
import { type HealthRules, type MemberRules, MemberState, type Turn, type TurnEnd } from './member.state.ts';

/** Whether a model can do what a call asks: `perhaps`: by an estimate it does not fit, and only the model knows. */
export type Fit = 'yes' | 'perhaps' | 'too-long' | 'no';

/** What a call asks of a pool. */
export interface Need extends Demand {
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Of each member, in order. */
  readonly fits: readonly Fit[];
}

/** Why nobody can be asked now; `isWhole`: every member is open, so that all have said what they can. */
export type Standstill = { readonly isWhole: boolean } & (
  | { readonly why: 'cannot'; readonly tooLong: boolean }
  /** Somebody who could is well and has no place: one comes free when a call ends. */
  | { readonly why: 'full' }
  /** Those who could are left alone, the first of them until then. `needPerson`: why, where each of them waits for somebody to act. */
  | { readonly why: 'out'; readonly untilMs: number; readonly needPerson: readonly unknown[] }
  /** This call has asked all who could. */
  | { readonly why: 'asked' }
);

/**
 * Who is asked next, out of a pool of models. First of those the call fits, then of the first tier, the policy chooses; who is left
 * alone for its failures, or has no place, is passed over. Holds a few numbers a member, and an entry for each call that runs.
 */
export class PoolState {
  readonly members: readonly MemberState[];
  readonly #balance: Balance;

  constructor(members: readonly MemberRules[], health: HealthRules, policy: RoutePolicy) {
    this.members = members.map((rules) => new MemberState(rules, health));
    this.#balance = new Balance(policy);
  }

  /** A place with a member that was not asked yet. */
  take(need: Need, asked: ReadonlySet<number>, nowMs: number): Turn | undefined {
    const chosen = this.#balance.choose(this.#first(need, asked, nowMs), need);
    return chosen && this.members[chosen.index]?.begin(chosen.index, need.tokens, nowMs);
  }

  canTake(need: Need, asked: ReadonlySet<number>, nowMs: number): boolean {
    return this.members.some((one, index) => canDo(need, index) && !asked.has(index) && one.mayBeAsked(nowMs));
  }

  told(turn: Turn, tokens: number, nowMs: number): void {
    this.members[turn.member]?.told(turn, tokens, nowMs);
  }

  /** More than once does nothing. */
  ended(turn: Turn, how: TurnEnd, nowMs: number): void {
    this.members[turn.member]?.ended(turn, how, nowMs);
  }

  /** Why `take` gives nothing. */
  standstill(need: Need, asked: ReadonlySet<number>, nowMs: number): Standstill {
    const isWhole = this.members.every((one) => one.isOpen);
    const able = [...this.members.entries()].filter(([index, one]) => one.isOpen && canDo(need, index));
    if (able.length === 0) return { why: 'cannot', isWhole, tooLong: need.fits.includes('too-long') };
    if (able.some(([index, one]) => !asked.has(index) && one.isFull(nowMs))) return { why: 'full', isWhole };
    const out = able.filter(([, one]) => one.health(nowMs) !== 'closed');
    const isUnasked = able.some(([index]) => !asked.has(index));
    // where all are out those count that this call asked itself: the next call would find them so
    if (!isUnasked && out.length < able.length) return { why: 'asked', isWhole };
    const broken = able.flatMap(([, one]) => one.needsPerson ?? []);
    const needPerson = isWhole && broken.length === able.length ? broken : [];
    return { why: 'out', isWhole, needPerson, untilMs: Math.max(nowMs, Math.min(...out.map(([, one]) => one.untilMs))) };
  }

  /** The best group of those that can be asked. */
  #first(need: Need, asked: ReadonlySet<number>, nowMs: number): readonly Candidate[] {
    let best = Infinity;
    let group: number[] = [];
    for (const [index, one] of this.members.entries()) {
      if (!canDo(need, index) || asked.has(index) || !one.mayBeAsked(nowMs)) continue;
      const fits = need.fits[index] === 'yes' ? 0 : 1;
      const rank = fits * mostTiers + one.rules.tier;
      if (rank < best) {
        best = rank;
        group = [];
      }
      if (rank === best) group.push(index);
    }
    return group.map((index) => candidate(this.members[index] as MemberState, index, need, nowMs));
  }
}

/** More tiers than anybody has. */
export const mostTiers = 1_000;

const canDo = ({ fits }: Need, index: number): boolean => fits[index] === 'yes' || fits[index] === 'perhaps';

function candidate(one: MemberState, index: number, { inputTokens, outputTokens }: Need, nowMs: number): Candidate {
  const { name, weight, inputPrice, outputPrice } = one.rules;
  const cost = inputTokens * inputPrice + outputTokens * outputPrice;
  return { index, name, weight, running: one.running, outstanding: one.outstanding, latencyMs: one.latencyMs(nowMs), cost };
}
