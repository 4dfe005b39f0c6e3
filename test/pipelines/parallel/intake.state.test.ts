import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { firstServed, mostPassed, nextTurn, tookTurn, type Turn } from '../../../pipelines/parallel/intake.state.ts';

interface Named extends Turn {
  readonly name: string;
}
const turn = (name: string, priority = 0, weight = 1): Named => ({ name, priority, weight, served: 0, passed: 0 });

function served(turns: readonly Named[], count: number): string[] {
  return Array.from({ length: count }, () => {
    const next = nextTurn(turns);
    if (!next) return '';
    tookTurn(next, turns);
    return next.name;
  });
}
const countOf = (names: readonly string[], name: string): number => names.filter((one) => one === name).length;

describe('the turns of submissions', () => {
  it('is nobody where nobody is ready', () => {
    expect(nextTurn<Turn>([])).toBeUndefined();
  });

  it('goes by weight among equals', () => {
    const names = served([turn('a', 0, 3), turn('b', 0, 1)], 400);
    expect(countOf(names, 'a')).toBe(300);
  });

  it('the urgent go first, and the others after at most so many', () => {
    const names = served([turn('low'), turn('high', 5)], 17 * 10);
    expect(names.slice(0, mostPassed + 1)).toEqual([...Array.from({ length: mostPassed }, () => 'high'), 'low']);
    expect(countOf(names, 'low')).toBe(10);
  });

  it('nobody is passed over without bound, whatever the priorities and weights', () => {
    const some = fc.array(fc.record({ priority: fc.integer({ min: -3, max: 3 }), weight: fc.integer({ min: 1, max: 9 }) }), {
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(some, (given) => {
        const turns = given.map(({ priority, weight }, i) => turn(String(i), priority, weight));
        const names = served(turns, 600);
        const most = Math.max(...turns.map(({ weight }) => weight));
        // each overdue one takes a turn, and equals share by weight
        for (const { name } of turns)
          expect(countOf(names, name)).toBeGreaterThan(600 / ((mostPassed + turns.length) * turns.length * most * 2));
      }),
    );
  });

  it('a newcomer has no claim to what it did not ask for', () => {
    const [old, young] = [turn('old'), turn('young')];
    served([old], 1_000);
    young.served = firstServed([old]);
    expect(countOf(served([old, young], 10), 'young')).toBe(5);
  });
});
