import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Amounts, amountsOfEstimate, type Unit, units } from '../../src/policies/call-amounts.state.ts';
import { decodeLease, encodeLease } from '../../src/policies/lease.state.ts';
import { mostEntries, type OpenLease, type PartitionShare } from '../../src/policies/partition-share.state.ts';
import { limitsOf, SharedBudgetState } from '../../src/policies/shared-budget.state.ts';
import type { Reservation } from '../../src/policies/token-budget.state.ts';

const unlimited: Amounts = { requests: Infinity, tokens: Infinity, inputTokens: Infinity, outputTokens: Infinity, money: Infinity };
const windowMs = 1000;
const rules = {
  limits: { ...unlimited, tokens: 100, requests: 12, money: 200_000 },
  windowMs,
  jitterMs: 0,
  moneyDay: 'utc' as const,
  leaseMs: 100,
};
const of = (tokens: number): Amounts =>
  amountsOfEstimate({ inputTokens: tokens, outputTokens: 0 }, { inputPerMillion: 1, outputPerMillion: 1 });
const none: Amounts = { requests: 0, tokens: 0, inputTokens: 0, outputTokens: 0, money: 0 };
const partitions = ['p0', 'p1'];
const cellMs = 3; // a 512th of the window, and whole milliseconds

interface Spent {
  readonly atMs: number;
  amounts: Amounts;
}

/** An instance as far as the budget is concerned, and what it believes to own. */
class Instance {
  readonly budget = new SharedBudgetState(rules);
  readonly shares = new Map<string, PartitionShare>();
  readonly open = new Map<string, OpenLease>();
  calls: { readonly reservation: Reservation; readonly spent: Spent }[] = [];

  lose(partition: string): void {
    const share = this.shares.get(partition);
    if (share) this.budget.lose(partition, share);
    this.shares.delete(partition);
    this.open.delete(partition);
  }
}

/** Instances, and the log in which owners leave their leases. */
class Group {
  readonly instances = [new Instance(), new Instance()];
  readonly owners = new Map<string, Instance>();
  readonly log = new Map<string, string>();
  readonly spent: Spent[] = [];
  nowMs = 86_400_000 - 2_000; // a day ends soon

  constructor() {
    for (const partition of partitions) this.give(partition, this.at(0));
  }

  at(index: number): Instance {
    return this.instances[index % this.instances.length] ?? new Instance();
  }

  give(partition: string, to: Instance): void {
    const stored = this.log.get(partition);
    this.owners.set(partition, to);
    const lease = stored === undefined ? undefined : decodeLease(stored);
    to.shares.set(
      partition,
      to.budget.gain(partition, { index: partitions.indexOf(partition), count: partitions.length }, lease, this.nowMs),
    );
  }

  call(one: Instance, tokens: number): void {
    const wanted = of(tokens);
    if (one.budget.readyAtMs(wanted, this.nowMs) > this.nowMs) return;
    const spent = { atMs: this.nowMs, amounts: wanted };
    this.spent.push(spent);
    one.calls.push({ reservation: one.budget.reserve(wanted, this.nowMs), spent });
    for (const unit of units) expect(this.between(unit)).toBeLessThanOrEqual(rules.limits[unit]);
  }

  between(unit: Unit): number {
    const day = (ms: number): number => Math.floor(ms / 86_400_000);
    const counts = ({ atMs }: Spent): boolean => (unit === 'money' ? day(atMs) === day(this.nowMs) : atMs > this.nowMs - windowMs);
    return this.spent.filter(counts).reduce((sum, { amounts }) => sum + amounts[unit], 0);
  }

  write(one: Instance, partition: string, demand: number): void {
    const share = one.shares.get(partition);
    if (share && !one.open.has(partition)) one.open.set(partition, share.write(of(demand), this.nowMs));
  }

  /** What becomes of a lease on its way; the log takes it of its owner only. */
  arrive(one: Instance, partition: string, how: 'stored' | 'answer lost' | 'lost' | 'dropped'): void {
    const [share, open] = [one.shares.get(partition), one.open.get(partition)];
    if (!share || !open) return;
    one.open.delete(partition);
    const isOwner = this.owners.get(partition) === one;
    if (isOwner && (how === 'stored' || how === 'answer lost')) this.log.set(partition, encodeLease(open.lease));
    if (isOwner && how === 'stored') share.stored(open);
    else if (how === 'dropped') share.dropped(open);
    else share.failed(open);
  }

  handOver(partition: string, to: Instance, how: 'clean' | 'crash' | 'zombie'): void {
    const from = this.owners.get(partition);
    if (!from || from === to) return;
    if (how === 'clean') {
      from.shares.get(partition)?.leave();
      this.arrive(from, partition, 'lost');
      this.write(from, partition, 50);
      this.arrive(from, partition, 'stored');
    }
    if (how !== 'zombie') from.lose(partition);
    to.lose(partition); // a zombie that becomes the owner again
    this.give(partition, to);
  }
}

const who = fc.nat(1);
const partition = fc.constantFrom(...partitions);
const how = fc.constantFrom(
  'stored' as const,
  'stored' as const,
  'answer lost' as const,
  'answer lost' as const,
  'lost' as const,
  'dropped' as const,
);
const tokens = fc.oneof(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 12 }));
const demand = fc.oneof(fc.constant(0), fc.nat(100));
const step = fc.oneof(
  fc.record({ do: fc.constant('pass' as const), ms: fc.oneof(fc.nat(30), fc.nat(30), fc.nat(1200)) }),
  fc.record({ do: fc.constant('call' as const), who, tokens }),
  fc.record({ do: fc.constant('settle' as const), who, which: fc.nat(), share: fc.nat(10) }),
  // one lease is stored, and calls are made while the next is on its way
  fc.record({ do: fc.constant('work' as const), who, partition, demand, next: demand, calls: fc.array(tokens, { maxLength: 5 }), how }),
  fc.record({ do: fc.constant('work' as const), who, partition, demand, next: demand, calls: fc.array(tokens, { maxLength: 5 }), how }),
  fc.record({
    do: fc.constant('move' as const),
    who,
    partition,
    how: fc.constantFrom('clean' as const, 'crash' as const, 'zombie' as const),
  }),
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

function perform(group: Group, one: Step): void {
  if (one.do === 'pass') group.nowMs += one.ms;
  else if (one.do === 'call') group.call(group.at(one.who), one.tokens);
  else if (one.do === 'move') group.handOver(one.partition, group.at(one.who), one.how);
  else if (one.do === 'work') {
    const at = group.at(one.who);
    group.write(at, one.partition, one.demand);
    group.arrive(at, one.partition, 'stored');
    group.write(at, one.partition, one.next);
    for (const tokensOf of one.calls) group.call(at, tokensOf);
    group.arrive(at, one.partition, one.how);
    for (const tokensOf of one.calls) group.call(at, tokensOf);
  } else {
    const { calls, budget } = group.at(one.who);
    const [call] = calls.splice(one.which % Math.max(1, calls.length), 1);
    if (!call) return;
    const used = one.share === 0 ? none : of(Math.floor((call.spent.amounts.tokens * one.share) / 10));
    if (one.share === 0) budget.cancel(call.reservation);
    else budget.settle(call.reservation, used, group.nowMs);
    call.spent.amounts = used;
  }
}

describe('a budget that instances share by their partitions', () => {
  it('is never passed in any window, over all instances, whatever becomes of owners, leases and answers', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 10, maxLength: 80, size: 'max' }), (steps) => {
        const group = new Group();
        for (const one of steps) perform(group, one);
      }),
      { numRuns: 3_000 },
    );
  }, 60_000);

  it('spends nothing without a lease that is stored', () => {
    const group = new Group();
    const [one] = group.instances;
    if (!one) return;
    expect(one.budget.readyAtMs(of(1), group.nowMs)).toBeGreaterThan(group.nowMs);
    for (const partition of partitions) group.write(one, partition, 100);
    expect(one.budget.readyAtMs(of(1), group.nowMs)).toBeGreaterThan(group.nowMs);
    for (const partition of partitions) group.arrive(one, partition, 'stored');
    expect(one.budget.readyAtMs(of(100), group.nowMs)).toBe(group.nowMs);
    group.nowMs += rules.leaseMs;
    expect(one.budget.readyAtMs(of(1), group.nowMs)).toBeGreaterThan(group.nowMs);
  });

  it('hands over exactly what was spent, and after a crash what may have been', () => {
    for (const [how, left] of [
      ['clean', 50 - 4],
      ['crash', 50 - 4 - 10],
    ] as const) {
      const group = new Group();
      const [one, other] = group.instances;
      if (!one || !other) return;
      group.nowMs += 10;
      group.write(one, 'p0', 10);
      group.arrive(one, 'p0', 'stored');
      group.call(one, 4);
      group.write(one, 'p0', 10);
      group.arrive(one, 'p0', 'stored');
      group.nowMs += 50;
      group.handOver('p0', other, how);
      expect(other.budget.left(group.nowMs).tokens).toBe(left);
      group.nowMs += windowMs + (how === 'crash' ? rules.leaseMs - 50 : -50);
      expect(other.budget.left(group.nowMs - 1).tokens).toBe(left);
      group.nowMs += cellMs;
      expect(other.budget.left(group.nowMs).tokens).toBe(50);
    }
  });

  it('tells as finely as there is place for what was spent when, and never in more than 48 entries', () => {
    for (const [calls, latestMs] of [
      [40, cellMs],
      [500, windowMs / 32],
    ] as const) {
      const group = new Group();
      const [one, other] = group.instances;
      if (!one || !other) return;
      const share = one.shares.get('p0');
      const startMs = group.nowMs;
      for (let i = 0; i < calls; i += 1) share?.spend('tokens', 1, startMs + (i * windowMs) / calls);
      group.nowMs = startMs + windowMs - 1;
      group.handOver('p0', other, 'clean');
      expect(decodeLease(group.log.get('p0') ?? '').length).toBeLessThanOrEqual(mostEntries);
      expect(group.log.get('p0')?.length).toBeLessThan(600);
      const since = 0.7 * calls; // no eighth of a window ends there
      expect(other.budget.spent(startMs + 1.3 * windowMs).tokens).toBeGreaterThanOrEqual(since - 1);
      expect(other.budget.spent(startMs + 1.3 * windowMs + latestMs).tokens).toBeLessThanOrEqual(since);
    }
  });

  it('leases room that comes within the lease, and spends it when it is there', () => {
    const group = new Group();
    const [one, other] = group.instances;
    if (!one || !other) return;
    group.write(one, 'p0', 50);
    group.arrive(one, 'p0', 'stored');
    group.call(one, 50);
    group.nowMs += windowMs - 20;
    group.write(one, 'p0', 50);
    group.arrive(one, 'p0', 'stored');
    expect(one.budget.readyAtMs(of(1), group.nowMs)).toBeGreaterThan(group.nowMs);
    group.nowMs += 20;
    expect(one.budget.readyAtMs(of(50), group.nowMs)).toBe(group.nowMs);
    group.handOver('p0', other, 'crash');
    expect(other.budget.left(group.nowMs).tokens).toBe(0);
  });

  it('is not told later with every owner: what was spent ends within an eighth of a window, however often it is handed over', () => {
    const group = new Group();
    const [one] = group.instances;
    if (!one) return;
    const startMs = group.nowMs;
    group.write(one, 'p0', 33);
    group.arrive(one, 'p0', 'stored');
    group.call(one, 33);
    for (let i = 1; i <= 9; i += 1) {
      group.nowMs += 100;
      group.handOver('p0', group.at(i), 'clean');
    }
    const owner = group.owners.get('p0');
    group.nowMs = startMs + windowMs + windowMs / 8;
    expect(owner?.budget.left(group.nowMs).tokens).toBe(50);
  });

  it('leases nothing beyond the day that money is counted in', () => {
    const group = new Group();
    const [one] = group.instances;
    if (!one) return;
    group.nowMs = 86_400_000 - 20;
    group.write(one, 'p0', 10);
    group.arrive(one, 'p0', 'stored');
    expect(one.budget.readyAtMs(of(5), group.nowMs)).toBe(group.nowMs);
    group.nowMs += 20;
    expect(one.budget.readyAtMs(of(5), group.nowMs)).toBeGreaterThan(group.nowMs);
  });

  it('counts all as spent where nobody can say what was, and gives none to what the others do not know', () => {
    const budget = new SharedBudgetState(rules);
    budget.gain('p0', { index: 0, count: 2 }, 'unknown', 0);
    expect([budget.left(0).tokens, budget.left(windowMs).tokens]).toEqual([0, 50]);
    const added = budget.gain('p9', undefined, undefined, 0);
    expect([added.limit('tokens'), added.limit('inputTokens')]).toEqual([0, Infinity]);
  });

  it('shares out every whole number of a limit', () => {
    for (const count of [1, 3, 7, 12]) {
      const all = Array.from({ length: count }, (_, index) => limitsOf(rules.limits, index, count));
      expect(all.reduce((sum, { tokens }) => sum + tokens, 0)).toBe(100);
      expect(all.reduce((sum, { requests }) => sum + requests, 0)).toBe(12);
      expect(new Set(all.map(({ inputTokens }) => inputTokens))).toEqual(new Set([Infinity]));
    }
  });
});
