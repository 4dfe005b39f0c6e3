import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Intake, mostPassed, newTurn, type Turn } from '../../../pipelines/parallel/intake.state.ts';

interface Named extends Turn {
  readonly name: string;
  readonly cost: number;
}
const turn = (name: string, priority = 0, cost = 1): Named => ({ ...newTurn(priority), name, cost });

function rounds(...turns: readonly Named[]) {
  const intake = new Intake<Named>();
  for (const one of turns) intake.add(one);
  const served = (count: number): string[] =>
    Array.from({ length: count }, () => {
      const next = intake.next();
      if (!next) return '';
      intake.took(next, next.cost);
      return next.name;
    });
  return { intake, served };
}
const countOf = (names: readonly string[], name: string): number => names.filter((one) => one === name).length;

describe('the turns of submissions', () => {
  it('is nobody where nobody is ready', () => {
    const { intake } = rounds();
    expect(intake.next()).toBeUndefined();
    const one = turn('one');
    intake.add(one);
    intake.add(one);
    expect(intake.size).toBe(1);
    intake.remove(one);
    intake.remove(one);
    expect([intake.size, intake.next()]).toEqual([0, undefined]);
  });

  it('equals go by what they cost, and at first in the order in which they came', () => {
    const { served } = rounds(turn('a', 0, 1), turn('b', 0, 3), turn('c', 0, 3));
    expect(served(3)).toEqual(['a', 'b', 'c']);
    expect(countOf(served(397), 'a')).toBeCloseTo(240, -1);
  });

  it('the urgent go first, and the others after at most so many', () => {
    const { served } = rounds(turn('low'), turn('high', 5));
    const names = served(17 * 10);
    expect(names.slice(0, mostPassed + 1)).toEqual([...Array.from({ length: mostPassed }, () => 'high'), 'low']);
    expect(countOf(names, 'low')).toBe(10);
  });

  it('of several that were passed over too often the one goes that was passed over the most', () => {
    const { intake, served } = rounds(turn('high', 2), turn('low', 0));
    served(5);
    intake.add(turn('middle', 1));
    expect(served(18).slice(11)).toEqual(['low', 'high', 'high', 'high', 'high', 'high', 'middle']);
  });

  it('of two that are overdue at once the one goes that was passed over more often', () => {
    const { intake, served } = rounds(turn('a', 3), turn('b', 2), turn('d', 0));
    served(1);
    intake.add(turn('c', 1));
    expect(served(18).slice(15)).toEqual(['b', 'd', 'c']);
  });

  it('who has nothing to give is not passed over', () => {
    const low = turn('low');
    const { intake, served } = rounds(low, turn('high', 1));
    intake.remove(low);
    served(30);
    intake.add(low);
    expect(served(mostPassed + 1)).toEqual([...Array.from({ length: mostPassed }, () => 'high'), 'low']);
  });

  it('whoever takes the place of one that leaves may belong above it', () => {
    const intake = new Intake<Named>();
    const turns = [0, 10, 1, 11, 12, 2, 3].map((served) => ({ ...turn(String(served)), served }));
    for (const one of turns) intake.add(one);
    intake.remove(turns[3] as Named);
    const names: string[] = [];
    for (let next = intake.next(); next; next = intake.next()) {
      names.push(next.name);
      intake.remove(next);
    }
    expect(names).toEqual(['0', '1', '2', '3', '10', '12']);
  });

  it('goes by what was served, whoever leaves from the middle', () => {
    const some = fc.array(fc.record({ served: fc.nat(1_000), leaves: fc.boolean() }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(some, (given) => {
        const intake = new Intake<Named>();
        const turns = given.map(({ served }, i) => ({ ...turn(String(i)), served }));
        for (const one of turns) intake.add(one);
        for (const [i, { leaves }] of given.entries()) if (leaves) intake.remove(turns[i] as Named);
        const left: number[] = [];
        for (let next = intake.next(); next; next = intake.next()) {
          left.push(next.served);
          intake.remove(next);
        }
        expect(left).toEqual(given.flatMap(({ served, leaves }) => (leaves ? [] : [served])).sort((a, b) => a - b));
      }),
    );
  });

  it('nobody is passed over without bound, whatever the priorities and costs', () => {
    const some = fc.array(fc.record({ priority: fc.integer({ min: -3, max: 3 }), cost: fc.integer({ min: 1, max: 9 }) }), {
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(some, (given) => {
        const names = rounds(...given.map(({ priority, cost }, i) => turn(String(i), priority, cost))).served(600);
        for (const [i] of given.entries())
          expect(countOf(names, String(i))).toBeGreaterThan(600 / ((mostPassed + given.length) * given.length * 9 * 2));
      }),
    );
  });

  it('who comes anew, or back, has no claim to what it did not ask for', () => {
    const [old, young, back] = [turn('old'), turn('young'), turn('back')];
    const { intake, served } = rounds(old, back);
    served(10);
    intake.remove(back);
    served(1_000);
    intake.add(young);
    intake.add(back);
    const names = served(30);
    expect([countOf(names, 'young'), countOf(names, 'back')]).toEqual([10, 10]);
  });

  it('who leaves and comes back keeps what it was served: no more is had by asking anew', () => {
    const [large, small] = [turn('large', 0, 10), turn('small')];
    const { intake, served } = rounds(large, small);
    expect(served(1)).toEqual(['large']);
    intake.remove(large);
    intake.add(large);
    expect(served(12)).toEqual([...Array.from({ length: 10 }, () => 'small'), 'large', 'small']);
  });

  it('who leaves and comes back stands among equals where it stood', () => {
    const [first, second] = [turn('first'), turn('second')];
    const { intake, served } = rounds(first, second);
    intake.remove(first);
    intake.add(first);
    expect(served(4)).toEqual(['first', 'second', 'first', 'second']);
  });

  it('a lower one that has nothing to give for a moment was passed over as often as before', () => {
    const low = turn('low');
    const { intake, served } = rounds(low, turn('high', 5));
    served(mostPassed - 1);
    intake.remove(low); // as an input does that is asked for its next
    intake.add(low);
    expect(served(3)).toEqual(['high', 'low', 'high']);
  });

  it('is the least served of the highest, as turns come, go and change their priority', () => {
    const step = fc.record({
      what: fc.constantFrom('add', 'remove', 'took', 'move'),
      which: fc.nat(9),
      to: fc.integer({ min: 0, max: 1 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (all) => {
        const turns = Array.from({ length: 10 }, (_, i) => turn(String(i), i % 2, 1 + (i % 3)));
        const intake = new Intake<Named>();
        const there = new Set<Named>();
        let high = 0; // as long as nobody is overdue
        for (const { what, which, to } of all) {
          const one = turns[which] as Named;
          if (what === 'remove' || what === 'move') {
            intake.remove(one);
            there.delete(one);
          }
          if (what === 'move') one.priority = to;
          if (what === 'add' || what === 'move') {
            intake.add(one);
            there.add(one);
          }
          if (what === 'took') {
            const next = intake.next();
            expect(next === undefined).toBe(there.size === 0);
            if (!next) continue;
            const peers = [...there].filter(({ priority }) => priority === next.priority);
            expect(next.served).toBe(Math.min(...peers.map(({ served }) => served)));
            if (high < mostPassed) expect(next.priority).toBe(Math.max(...[...there].map(({ priority }) => priority)));
            high = next.priority === 1 ? high + 1 : 0;
            intake.took(next, next.cost);
          }
          expect(intake.size).toBe(there.size);
        }
      }),
    );
  });
});
