import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DeficitRounds } from '../../src/policies/deficit-rounds.state.ts';

const always = (weights: readonly number[], quantum: number): DeficitRounds<number, number> => {
  const rounds = new DeficitRounds<number, number>(quantum);
  for (const [i, weight] of weights.entries()) rounds.enter(i, weight, () => i);
  return rounds;
};

describe('DeficitRounds', () => {
  it('keeps costs by weight within a quantum and a largest piece of each, at every moment', () => {
    const weight = fc.integer({ min: 1, max: 10 });
    fc.assert(
      fc.property(
        fc.array(weight, { minLength: 2, maxLength: 5 }),
        fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 200, maxLength: 400 }),
        fc.integer({ min: 1, max: 300 }),
        (weights, costs, quantum) => {
          const rounds = always(weights, quantum);
          const had = weights.map(() => 0);
          const bound = Math.max(...weights.map((one) => (500 + quantum * one) / one)) * 2;
          for (const cost of costs) {
            const turn = rounds.turn();
            if (!turn) throw new Error('somebody has work');
            rounds.charge(turn.key, cost);
            had[turn.key] = (had[turn.key] ?? 0) + cost / turn.weight;
            expect(Math.max(...had) - Math.min(...had)).toBeLessThanOrEqual(bound);
          }
        },
      ),
    );
  });

  it('takes turns, by weight', () => {
    const rounds = always([1, 3], 1);
    const order = Array.from({ length: 12 }, () => {
      const { key } = rounds.turn() ?? {};
      rounds.charge(key ?? -1, 1);
      return key;
    });
    expect(order.join('')).toBe('011101110111');
  });

  it('does not let somebody who leaves and comes back have more: what it owes, it pays off', () => {
    const rounds = new DeficitRounds<string, number>(10);
    const had = { often: 0, always: 0 };
    rounds.enter('always', 1, () => 0);
    for (let i = 0; i < 1_000; i += 1) {
      rounds.enter('often', 1, () => 0); // has one big piece at a time
      const turn = rounds.turn();
      if (turn?.key === 'often') {
        rounds.charge('often', 100);
        rounds.leave('often');
        had.often += 100;
      } else {
        rounds.charge('always', 10);
        had.always += 10;
      }
    }
    expect(had.often / had.always).toBeCloseTo(1, 1);
  });

  it('finds who is next after a piece of a million quanta, at once', () => {
    const rounds = always([1, 1], 1);
    rounds.charge(rounds.turn()?.key ?? -1, 1e9);
    rounds.charge(rounds.turn()?.key ?? -1, 1e9 + 5);
    expect([rounds.turn()?.key, rounds.busy]).toEqual([0, 2]);
  });

  it('holds nothing of those who have no work and owe nothing', () => {
    const rounds = new DeficitRounds<number, number>(1);
    rounds.enter(-1, 1, () => 0);
    for (let i = 0; i < 1_000; i += 1) {
      rounds.enter(i, 1, () => i);
      while (rounds.turn()?.key === -1) rounds.charge(-1, 1);
      rounds.charge(i, 3);
      rounds.leave(i);
    }
    expect(rounds.size).toBeLessThan(20);
    rounds.leave(-1);
    expect([rounds.size, rounds.turn()]).toEqual([0, undefined]);
  });

  it('lets somebody who comes anew wait for a round, and one who has left not hold the turn', () => {
    const rounds = always([1, 1], 1);
    rounds.charge(rounds.turn()?.key ?? -1, 1); // 0 had its turn, 1 is next
    rounds.enter(2, 1, () => 2);
    rounds.leave(1);
    const order = [0, 0].map(() => {
      const { key = -1 } = rounds.turn() ?? {};
      rounds.charge(key, 1);
      return key;
    });
    expect(order).toEqual([2, 0]);
  });
});
