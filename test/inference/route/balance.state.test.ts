import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Balance, type Candidate, type Demand } from '../../../src/inference/route/balance.state.ts';

const demand: Demand = { tokens: 100, prefix: 'system: be brief' };
const one = (index: number, over: Partial<Candidate> = {}): Candidate => ({
  ...{ index, name: `m${String(index)}`, weight: 1, running: 0, outstanding: 0, latencyMs: 0, cost: 0 },
  ...over,
});
const turns = (balance: Balance, candidates: readonly Candidate[], n: number): string =>
  Array.from({ length: n }, () => balance.choose(candidates, demand)?.index).join('');

const anyCandidates = fc.uniqueArray(fc.nat(9), { minLength: 1, maxLength: 6 }).chain((indices) =>
  fc.tuple(
    ...indices.map((index) =>
      fc
        .record({
          weight: fc.integer({ min: 1, max: 9 }),
          running: fc.nat(9),
          outstanding: fc.nat(5_000),
          latencyMs: fc.nat(5_000),
          cost: fc.nat(100),
        })
        .map((over) => one(index, over)),
    ),
  ),
);

describe('Balance', () => {
  it.each<[ConstructorParameters<typeof Balance>[0], readonly Candidate[], string]>([
    ['least-tokens', [one(0, { outstanding: 50 }), one(1, { outstanding: 49 })], '1111'],
    ['least-tokens', [one(0, { outstanding: 250, weight: 3 }), one(1, { outstanding: 20 })], '0000'], // 350 / 3 < 120
    ['least-tokens', [one(0), one(1), one(2)], '012012'],
    ['round-robin', [one(2, { outstanding: 9_999 }), one(4), one(7)], '247247'],
    ['weighted', [one(0, { weight: 5 }), one(1), one(2)], '00102000010200'],
    ['price', [one(0, { cost: 2 }), one(1, { cost: 1, outstanding: 10 }), one(2, { cost: 1 })], '2222'],
    ['latency', [one(0, { latencyMs: 100, running: 2 }), one(1, { latencyMs: 200 })], '1111'], // 3 × 100 > 200
    ['latency', [one(0, { latencyMs: 0, outstanding: 500 }), one(1, { latencyMs: 0 })], '1111'], // nothing is known: by load
  ])('%s', (policy, candidates, expected) => {
    expect(turns(new Balance(policy), candidates, expected.length)).toBe(expected);
  });

  it('chooses nobody of nobody', () => {
    expect(new Balance('weighted').choose([], demand)).toBeUndefined();
  });

  it('least-tokens: nobody has less to do for what it can', () => {
    fc.assert(
      fc.property(anyCandidates, (candidates) => {
        const chosen = new Balance('least-tokens').choose(candidates, demand) as Candidate;
        const load = ({ outstanding, weight }: Candidate): number => (outstanding + demand.tokens) / weight;
        for (const other of candidates) expect(load(chosen)).toBeLessThanOrEqual(load(other));
      }),
    );
  });

  it('weighted: whatever comes and goes, in each round of all weights everybody has its share', () => {
    fc.assert(
      fc.property(anyCandidates, fc.integer({ min: 1, max: 5 }), (candidates, rounds) => {
        const balance = new Balance('weighted');
        const total = candidates.reduce((sum, { weight }) => sum + weight, 0);
        for (let round = 0; round < rounds; round += 1) {
          const chosen = Array.from({ length: total }, () => balance.choose(candidates, demand)?.index);
          for (const { index, weight } of candidates) expect(chosen.filter((each) => each === index)).toHaveLength(weight);
        }
      }),
    );
  });

  it('prefix: the same one while queues are even, and never one with far more to do than the mean', () => {
    fc.assert(
      fc.property(anyCandidates, fc.string(), (candidates, prefix) => {
        const asked = { tokens: 100, prefix };
        const idle = candidates.map((each) => ({ ...each, outstanding: 0 }));
        const home = new Balance('prefix').choose(idle, asked)?.index;
        expect(new Balance('prefix').choose(idle.toReversed(), asked)?.index).toBe(home);
        const chosen = new Balance('prefix').choose(candidates, asked) as Candidate;
        const weights = candidates.reduce((sum, { weight }) => sum + weight, 0);
        const mean = candidates.reduce((sum, { outstanding }) => sum + outstanding, 0) / weights;
        expect(chosen.outstanding / chosen.weight).toBeLessThanOrEqual(1.25 * mean + 100 / chosen.weight);
      }),
    );
  });

  it('prefix: spreads many prefixes as the weights say, and moves those alone that were with who has left', () => {
    const all = [one(0), one(1), one(2, { weight: 2 })];
    const homes = (candidates: readonly Candidate[]): readonly (number | undefined)[] =>
      Array.from({ length: 4_000 }, (_, i) => new Balance('prefix').choose(candidates, { tokens: 1, prefix: `user ${String(i)}` })?.index);
    const before = homes(all);
    const after = homes(all.slice(1));
    const share = (index: number): number => before.filter((home) => home === index).length / 1_000;
    for (const [index, expected] of [1, 1, 2].entries()) expect(Math.abs(share(index) - expected)).toBeLessThan(0.12);
    for (const [i, home] of before.entries()) if (home !== 0) expect(after[i]).toBe(home);
  });
});
