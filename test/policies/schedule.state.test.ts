import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type JobFacts, type Job, ScheduleState, type ScheduleStateOptions } from '../../src/policies/schedule.state.ts';

const plain: JobFacts = { rank: 0, tenant: '', weight: 1, tokens: 1, arrival: 0, passableUntilMs: 0, priority: 0, prefixes: [] };
const stateOf = (options: Partial<ScheduleStateOptions> = {}): ScheduleState<number> =>
  new ScheduleState({ places: 1, heldBack: [0, 0, 0], mostPassed: 4, prefixSlackMs: 0, ...options });

/** Starts and ends them one at a time. */
function orderOf(state: ScheduleState<number>): number[] {
  const order: number[] = [];
  for (let job = state.next(); job; job = state.next()) {
    order.push(job.item);
    state.end(job);
  }
  return order;
}

interface Arrival extends JobFacts {
  readonly atMs: number;
  readonly passableMs: number;
}

const patienceMs = 50;
const arrivals = (fields: { readonly rank?: number; readonly tenants?: number } = {}): fc.Arbitrary<readonly Arrival[]> =>
  fc
    .array(
      fc.record({
        gapMs: fc.integer({ min: 0, max: 20 }),
        passableMs: fc.integer({ min: 0, max: patienceMs }),
        tokens: fc.integer({ min: 0, max: 100 }),
        rank: fc.integer({ min: 0, max: fields.rank ?? 0 }),
        tenant: fc.integer({ min: 0, max: (fields.tenants ?? 1) - 1 }).map(String),
      }),
      { minLength: 1, maxLength: 120 },
    )
    .map((all) => {
      let atMs = 0;
      return all.map(({ gapMs, passableMs, ...facts }) => {
        atMs += gapMs;
        return { ...plain, ...facts, atMs, passableMs, passableUntilMs: atMs + passableMs };
      });
    });

/** They come in their order, and between any two some start and end; in which order they started. */
function run(
  state: ScheduleState<number>,
  all: readonly Arrival[],
  starts: readonly number[],
): readonly { readonly job: Job<number>; readonly waiting: readonly number[] }[] {
  const waiting = new Set<number>();
  const started: { job: Job<number>; waiting: number[] }[] = [];
  const startOne = (): void => {
    const job = state.next();
    expect(job === undefined).toBe(waiting.size === 0);
    if (!job) return;
    expect(waiting.delete(job.item)).toBe(true);
    started.push({ job, waiting: [...waiting] });
    state.end(job);
  };
  for (const [i, one] of all.entries()) {
    state.add(i, one);
    waiting.add(i);
    for (let n = starts[i % Math.max(1, starts.length)] ?? 0; n > 0; n -= 1) startOne();
  }
  while (waiting.size > 0) startOne();
  return started;
}

const starts = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 10 });

describe('the order of a schedule', () => {
  it('starts each once, and within a tenant nobody passes whoever came more than the patience before', () => {
    fc.assert(
      fc.property(arrivals({ tenants: 3, rank: 2 }), starts, (all, between) => {
        const state = stateOf();
        const started = run(state, all, between);
        expect(new Set(started.map(({ job }) => job.item)).size).toBe(all.length);
        expect([state.waiting, state.running, state.tenants]).toEqual([0, 0, 0]);
        for (const { job, waiting } of started)
          for (const other of waiting) {
            const passed = all[other];
            const passing = all[job.item];
            if (!passed || !passing || passed.tenant !== passing.tenant || passed.rank !== passing.rank) continue;
            expect(passing.atMs - passed.atMs).toBeLessThanOrEqual(patienceMs);
            expect(passing.passableUntilMs).toBeLessThanOrEqual(passed.passableUntilMs); // and it starts the first of them
          }
      }),
    );
  });

  it('passes a class over at most so often, and once more for another that was', () => {
    fc.assert(
      fc.property(arrivals({ rank: 2 }), starts, fc.integer({ min: 1, max: 6 }), (all, between, mostPassed) => {
        const started = run(stateOf({ mostPassed }), all, between);
        for (const rank of [1, 2]) {
          let passed = 0;
          for (const { job, waiting } of started) {
            if (job.rank === rank || !waiting.some((other) => all[other]?.rank === rank)) passed = 0;
            else passed += 1;
            expect(passed).toBeLessThanOrEqual(mostPassed + 1);
          }
        }
      }),
    );
  });

  it('shares tokens by weight between tenants that wait all the time, whatever their calls cost', () => {
    const tokens = fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(tokens, tokens, fc.integer({ min: 1, max: 5 }), (a, b, weight) => {
        const state = stateOf();
        for (let i = 0; i < 400; i += 1) {
          state.add(0, { ...plain, tenant: 'a', tokens: a[i % a.length] ?? 1 });
          state.add(1, { ...plain, tenant: 'b', weight, tokens: b[i % b.length] ?? 1 });
        }
        const had = [0, 0];
        for (let i = 0; i < 380; i += 1) {
          const job = state.next();
          if (!job) throw new Error('all wait');
          had[job.item] = (had[job.item] ?? 0) + job.tokens / job.weight;
          state.end(job);
        }
        expect(Math.abs((had[0] ?? 0) - (had[1] ?? 0))).toBeLessThanOrEqual(2 * (100 + 100));
      }),
    );
  });

  it('goes by class, then tenant, then place', () => {
    const state = stateOf();
    const add = (item: number, facts: Partial<JobFacts>): void => void state.add(item, { ...plain, ...facts });
    add(1, { rank: 2, passableUntilMs: 0 });
    add(2, { rank: 1, tenant: 'a', passableUntilMs: 9 });
    add(3, { rank: 1, tenant: 'a', passableUntilMs: 5 });
    add(4, { rank: 1, tenant: 'b', passableUntilMs: 99 });
    add(5, { rank: 0, passableUntilMs: 1_000 });
    expect(orderOf(state)).toEqual([5, 3, 4, 2, 1]);
  });

  it('starts, of those whose turn is at the same time, the one that was taken first, whenever it came here', () => {
    const state = stateOf();
    for (const arrival of [3, 5, 2, 4]) state.add(arrival, { ...plain, arrival });
    expect(orderOf(state)).toEqual([2, 3, 4, 5]);
  });

  it('holds places back from lower classes, and lets what a higher one has of its own not count against them', () => {
    const state = stateOf({ places: 4, heldBack: [1, 1, 0] });
    const begin = (...ranks: number[]): (number | undefined)[] => {
      for (const rank of ranks) state.add(rank, { ...plain, rank });
      return ranks.map(() => state.next()?.rank);
    };
    expect(begin(2, 2, 2)).toEqual([2, 2, undefined]);
    expect(begin(1, 1)).toEqual([1, undefined]);
    expect(begin(0, 0)).toEqual([0, undefined]);
  });

  it('lets lower classes have all that is not held back, whatever higher ones have of their own', () => {
    const state = stateOf({ places: 4, heldBack: [1, 0, 0] });
    for (const rank of [0, 2, 2, 2, 2]) state.add(rank, { ...plain, rank });
    expect(Array.from({ length: 5 }, () => state.next()?.rank)).toEqual([0, 2, 2, 2, undefined]);
  });

  it('prefers a prompt that begins as one that runs, among those whose turn is about now', () => {
    const state = stateOf({ places: 2, prefixSlackMs: 10 });
    const add = (item: number, passableUntilMs: number, ...prefixes: string[]): Job<number> =>
      state.add(item, { ...plain, passableUntilMs, prefixes });
    add(0, 0, 'a', 'ab');
    expect(state.next()?.item).toBe(0);
    add(1, 1, 'b');
    add(2, 2, 'a', 'ac');
    add(3, 11, 'a', 'ab');
    add(4, 12, 'a', 'ab', 'abc');
    const second = state.next();
    expect(second?.item).toBe(3); // 4 comes too late for that
    if (second) state.end(second);
    expect(orderOf(state)).toEqual([2, 1, 4]);
  });

  it('takes a great many and holds nothing of them', () => {
    const state = stateOf();
    const tenants = Array.from({ length: 100 }, (_, i) => `tenant ${String(i)}`);
    for (let i = 0; i < 20_000; i += 1)
      state.add(i, { ...plain, tenant: tenants[i % 100] ?? '', tokens: (i * 7) % 1_000, passableUntilMs: (i * 7_919) % 20_011 });
    expect(state.waiting).toBe(20_000);
    let count = 0;
    for (let job = state.next(); job; job = state.next()) {
      count += 1;
      state.end(job);
    }
    expect([count, state.waiting, state.running, state.tenants]).toEqual([20_000, 0, 0, 0]);
  }, 30_000);
});

describe('preemption', () => {
  const at = (priority: number, rank = 0): JobFacts => ({ ...plain, priority, rank, passableUntilMs: 9 - priority });
  const running = (state: ScheduleState<number>, ...all: JobFacts[]): Job<number>[] =>
    all.map((facts, i) => {
      const job = state.add(i, facts);
      expect(state.next()).toBe(job);
      return job;
    });

  it('names the least urgent, of equals the last to come; none while a place is free, and none that is as urgent', () => {
    const state = stateOf({ places: 3 });
    const [, , third] = running(state, at(3), at(1), at(1));
    expect(state.victimFor(state.add(9, at(1)))).toBe(undefined);
    expect(state.victimFor(state.add(9, at(2)))).toBe(third);
    if (third) state.end(third);
    expect(state.victimFor(state.add(9, at(9)))).toBe(undefined);
  });

  it('takes none of a higher class', () => {
    const state = stateOf({ places: 1 });
    running(state, at(0, 0));
    expect(state.victimFor(state.add(9, at(9, 1)))).toBe(undefined);
  });

  it('puts the victim back in its old place, to be taken back once only', () => {
    const state = stateOf();
    const [victim] = running(state, at(1));
    if (!victim) return;
    state.add(7, at(1)); // came later than the victim
    const urgent = state.add(8, at(5));
    expect(state.victimFor(urgent)).toBe(victim);
    state.sendBack(victim);
    expect([state.startNow(urgent), state.startNow(urgent), state.running, state.waiting]).toEqual([true, false, 1, 2]);
    state.end(urgent);
    expect(state.next()).toBe(victim);
    expect(state.victimFor(state.add(9, at(9)))).toBe(undefined);
  });

  it('names another when one cannot be taken back', () => {
    const state = stateOf({ places: 2 });
    const [first, second] = running(state, at(1), at(2));
    if (!first || !second) return;
    const urgent = state.add(8, at(5));
    expect(state.victimFor(urgent)).toBe(first);
    state.keep(first);
    expect(state.victimFor(urgent)).toBe(second);
    state.keep(second);
    expect(state.victimFor(urgent)).toBe(undefined);
    state.end(first);
    expect([state.running, state.next()]).toEqual([1, urgent]);
  });

  it('costs the victim its share once', () => {
    const state = stateOf();
    const cost = (tenant: string, priority = 0): JobFacts => ({ ...plain, tenant, tokens: 10, priority });
    const [victim] = running(state, cost('a'));
    const urgent = state.add(1, cost('b', 1));
    if (!victim) return;
    state.sendBack(victim);
    state.startNow(urgent);
    state.end(urgent);
    for (let i = 0; i < 20; i += 1) for (const tenant of ['a', 'b']) state.add(i, cost(tenant));
    const had = { a: 0, b: 0 };
    for (let i = 0; i < 21; i += 1) {
      const job = state.next();
      if (!job) continue;
      had[job.tenant as 'a' | 'b'] += 1;
      state.end(job);
    }
    expect(had.a - had.b).toBeLessThanOrEqual(2);
    expect(had.b).toBeGreaterThanOrEqual(9);
  });
});
