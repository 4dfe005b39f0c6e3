import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { balance, type Claim } from '../../src/transport/balance.state.ts';

const topicOf = (partition: string): string => partition.slice(0, partition.lastIndexOf('/'));
const claim = (memberId: string, owned: readonly string[] = [], extra: Partial<Claim> = {}): Claim => ({
  memberId,
  generation: 1,
  topics: ['t'],
  owned,
  revoking: [],
  ...extra,
});
const partitions = (topic: string, count: number): string[] => Array.from({ length: count }, (_, index) => `${topic}/${String(index)}`);
const plan = (all: readonly string[], claims: readonly Claim[]): Record<string, readonly string[]> =>
  Object.fromEntries(balance(all, claims));

/** What the members hold when everyone has let go what the plan did not leave it, and joins again. */
const afterwards = (all: readonly string[], claims: readonly Claim[]): Claim[] => {
  const given = balance(all, claims);
  return claims.map((one) => ({ ...one, generation: 100, owned: given.get(one.memberId) ?? [], revoking: [] }));
};

interface World {
  readonly all: readonly string[];
  readonly claims: readonly Claim[];
}

const world = (sameTopics: boolean): fc.Arbitrary<World> =>
  fc
    .record({
      counts: fc.array(fc.integer({ min: 0, max: 7 }), { minLength: 1, maxLength: 4 }),
      members: fc.array(
        fc.record({
          generation: fc.integer({ min: -1, max: 3 }),
          subscribed: fc.infiniteStream(fc.boolean()),
          owned: fc.infiniteStream(fc.nat({ max: 3 })),
        }),
        { minLength: 1, maxLength: 6 },
      ),
    })
    .map(({ counts, members }) => {
      const names = counts.map((_, index) => `t${String(index)}`);
      const all = counts.flatMap((count, index) => partitions(`t${String(index)}`, count));
      const claims = members.map((member, index): Claim => {
        const topics = names.filter(() => sameTopics || member.subscribed.next().value);
        const owned = [...all, 'gone/0'].filter(() => member.owned.next().value === 0);
        const revoking = owned.filter(() => member.owned.next().value === 0);
        return { memberId: `m${String(index)}`, generation: member.generation, topics, owned, revoking };
      });
      return { all, claims };
    });

const holderOf = (partition: string, claims: readonly Claim[]): Claim | undefined =>
  claims
    .filter((one) => one.owned.includes(partition))
    .sort((a, b) => b.generation - a.generation || (a.memberId < b.memberId ? -1 : 1))[0];

describe('balance', () => {
  it.each<[what: string, all: readonly string[], claims: readonly Claim[], expected: Record<string, readonly string[]>]>([
    ['nobody', partitions('t', 2), [], {}],
    ['one member', partitions('t', 3), [claim('a')], { a: ['t/0', 't/1', 't/2'] }],
    ['more members than partitions', ['t/0'], [claim('a'), claim('b')], { a: ['t/0'], b: [] }],
    [
      'a newcomer waits for what is to be let go',
      partitions('t', 4),
      [claim('a', partitions('t', 4)), claim('b')],
      { a: ['t/0', 't/1'], b: [] },
    ],
    ['then gets it', partitions('t', 4), [claim('a', ['t/0', 't/1']), claim('b')], { a: ['t/0', 't/1'], b: ['t/2', 't/3'] }],
    ['a revoke is final', ['t/0'], [claim('a', ['t/0'], { revoking: ['t/0'] })], { a: [] }],
    [
      'the later generation is right',
      ['t/0'],
      [claim('a', ['t/0'], { generation: 2 }), claim('b', ['t/0'], { generation: 3 })],
      { a: [], b: ['t/0'] },
    ],
    ['unsubscribed is let go first', ['t/0', 'u/0'], [claim('a', ['t/0'], { topics: ['u'] }), claim('b')], { a: ['u/0'], b: [] }],
    ['a deleted topic is forgotten', ['t/0'], [claim('a', ['t/0', 'old/0'])], { a: ['t/0'] }],
    ['numbers are ordered as numbers', partitions('t', 11), [claim('a')], { a: partitions('t', 11) }],
    ['topics may hold slashes and hyphens', ['a/b-c/0'], [claim('a', [], { topics: ['a/b-c'] })], { a: ['a/b-c/0'] }],
    [
      'different subscriptions are levelled over a chain: a gives to b, b gives to c',
      [...partitions('t', 4), ...partitions('u', 2)],
      [claim('a', partitions('t', 4)), claim('b', partitions('u', 2), { topics: ['t', 'u'] }), claim('c', [], { topics: ['u'] })],
      { a: ['t/0', 't/1'], b: [], c: [] },
    ],
    [
      'what one chain takes from a member and another brings back, it keeps',
      ['t/0', ...partitions('u', 3), ...partitions('v', 3)],
      [
        claim('a'),
        claim('b', ['u/0'], { topics: ['u'] }),
        claim('c', ['u/1', 'u/2', 'v/1'], { topics: ['u', 'v'] }),
        claim('d', ['t/0', 'v/2'], { topics: ['t', 'v'] }),
      ],
      { a: [], b: ['u/0'], c: ['u/1', 'v/1'], d: ['v/0', 'v/2'] },
    ],
  ])('%s', (_what, all, claims, expected) => {
    expect(plan(all, claims)).toEqual(expected);
  });

  it('gives a partition to at most one member, which subscribes to it, and never what another holds or anybody lets go', () => {
    fc.assert(
      fc.property(world(false), ({ all, claims }) => {
        const given = balance(all, claims);
        const seen = new Set<string>();
        expect([...given.keys()].sort()).toEqual(claims.map((one) => one.memberId).sort());
        for (const one of claims) {
          for (const partition of given.get(one.memberId) ?? []) {
            expect(seen.has(partition)).toBe(false);
            seen.add(partition);
            expect(all).toContain(partition);
            expect(one.topics).toContain(topicOf(partition));
            const holder = holderOf(partition, claims);
            if (holder) expect(holder.memberId).toBe(one.memberId);
            expect(holder?.revoking ?? []).not.toContain(partition);
          }
        }
        for (const partition of all) {
          const wanted = claims.some((one) => one.topics.includes(topicOf(partition)));
          if (wanted && !holderOf(partition, claims)) expect(seen.has(partition)).toBe(true);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('reaches the end in two rounds: everything is given, and nothing moves any more', () => {
    fc.assert(
      fc.property(world(false), ({ all, claims }) => {
        const end = afterwards(all, afterwards(all, claims));
        const wanted = all.filter((partition) => claims.some((one) => one.topics.includes(topicOf(partition))));
        expect(end.flatMap((one) => one.owned).sort()).toEqual([...wanted].sort());
        expect(afterwards(all, end)).toEqual(end);
      }),
      { numRuns: 1000 },
    );
  });

  it('ends as even as any assignment can be', () => {
    fc.assert(
      fc.property(
        world(false).filter(({ all, claims }) => claims.length ** all.length < 5000),
        ({ all, claims }) => {
          const unevenness = (loads: readonly number[]): number => loads.reduce((sum, load) => sum + load * load, 0);
          let best = Infinity;
          const loads = claims.map(() => 0);
          const tryFrom = (index: number): void => {
            const partition = all[index];
            if (partition === undefined) {
              best = Math.min(best, unevenness(loads));
              return;
            }
            const takers = [...claims.keys()].filter((m) => claims[m]?.topics.includes(topicOf(partition)) === true);
            if (takers.length === 0) tryFrom(index + 1);
            for (const m of takers) {
              loads[m] = (loads[m] ?? 0) + 1;
              tryFrom(index + 1);
              loads[m] = (loads[m] ?? 0) - 1;
            }
          };
          tryFrom(0);
          const end = afterwards(all, afterwards(all, claims));
          expect(unevenness(end.map((one) => one.owned.length))).toBe(best);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('with equal subscriptions takes no more than evenness demands', () => {
    fc.assert(
      fc.property(world(true), ({ all, claims }) => {
        const floor = Math.floor(all.length / claims.length);
        const kept = claims.map(
          (one) => one.owned.filter((p) => all.includes(p) && holderOf(p, claims) === one && !one.revoking.includes(p)).length,
        );
        // the fewest that must go: everyone may stay above the floor by one, as many as there are left over
        const above = kept.reduce((sum, load) => sum + Math.max(0, load - floor), 0);
        const mayStay = Math.min(all.length % claims.length, kept.filter((load) => load > floor).length);
        const given = balance(all, claims);
        const taken = claims.reduce((sum, one, index) => {
          const mine = given.get(one.memberId) ?? [];
          return sum + (kept[index] ?? 0) - one.owned.filter((p) => holderOf(p, claims) === one && mine.includes(p)).length;
        }, 0);
        expect(taken).toBe(above - mayStay);
        const loads = afterwards(all, afterwards(all, claims)).map((one) => one.owned.length);
        expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(1);
      }),
      { numRuns: 1000 },
    );
  });

  it('does not depend on the order of its inputs', () => {
    fc.assert(
      fc.property(world(false), fc.infiniteStream(fc.nat()), ({ all, claims }, chance) => {
        const shuffle = <T>(list: readonly T[]): T[] =>
          list
            .map((item) => [chance.next().value, item] as const)
            .sort((a, b) => a[0] - b[0])
            .map(([, item]) => item);
        expect(plan(shuffle(all), shuffle(claims))).toEqual(plan(all, claims));
      }),
    );
  });

  it('plans 2,000 partitions for 50 members well within a heartbeat', () => {
    const all = partitions('t', 2000);
    const claims = Array.from({ length: 50 }, (_, index) => claim(`m${String(index).padStart(2, '0')}`, index === 0 ? all : []));
    const startMs = performance.now();
    expect(balance(all, claims).get('m00')).toHaveLength(40);
    expect(performance.now() - startMs).toBeLessThan(2000);
  });
});
