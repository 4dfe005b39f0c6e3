import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { apportion, Turns } from '../../src/flow/turns.state.ts';

interface Partition {
  readonly topic: string;
  readonly id: number;
  share: number;
}

const of = (topic: string, id = 0): Partition => ({ topic, id, share: 1 });

/** What each got while all of them had something, by name. */
function taken(
  turns: Turns<Partition>,
  partitions: readonly Partition[],
  count: number,
  bytes: (i: number) => number,
): Map<Partition, number> {
  for (const one of partitions) turns.enter(one);
  const got = new Map<Partition, number>();
  for (let i = 0; i < count; i += 1) {
    const one = turns.next();
    if (!one) throw new Error('all have something');
    turns.charge(one, bytes(i));
    got.set(one, (got.get(one) ?? 0) + bytes(i) + 1024);
  }
  return got;
}

describe('Turns', () => {
  it('takes one of each partition in turn, where records are small and topics weigh the same', () => {
    const turns = new Turns<Partition>(new Map());
    const partitions = [of('a', 0), of('a', 1), of('b', 2)];
    for (const one of partitions) turns.enter(one);
    const order = Array.from({ length: 8 }, () => {
      const one = turns.next();
      if (one) turns.charge(one, 0);
      return one?.id;
    });
    expect(order).toEqual([0, 2, 1, 2, 0, 2, 1, 2]);
  });

  it("shares by weight between topics and evenly between a topic's partitions, whatever the records are", () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 20_000 }), { minLength: 1, maxLength: 10 });
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 9 }), (all, weight) => {
        const partitions = [of('a', 0), of('a', 1), of('b', 2)];
        const got = taken(new Turns<Partition>(new Map([['b', weight]])), partitions, 2_000, (i) => all[i % all.length] ?? 0);
        const [a, second, b] = partitions.map((one) => got.get(one) ?? 0) as [number, number, number];
        const slack = 4 * (20_000 + 1024 * weight);
        expect(Math.abs(a - second)).toBeLessThanOrEqual(slack);
        expect(Math.abs(a + second - b / weight)).toBeLessThanOrEqual(slack);
      }),
    );
  });

  it('gives a partition that comes with little its turn at once, whatever waits in the others', () => {
    const turns = new Turns<Partition>(new Map());
    const hot = of('hot');
    const small = of('small');
    turns.enter(hot);
    for (let i = 0; i < 100; i += 1) {
      const one = turns.next();
      if (one) turns.charge(one, 100);
    }
    turns.enter(small);
    const order = [0, 1].map(() => {
      const one = turns.next();
      if (one) turns.charge(one, 100);
      return one?.topic;
    });
    expect(order).toContain('small');
    turns.leave(small);
    turns.leave(hot);
    turns.leave(hot);
    expect(turns.next()).toBe(undefined);
  });

  it("divides the window by the weights of topics, and a topic's part by its partitions", () => {
    const partitions = [of('a'), of('a'), of('b'), of('c')];
    apportion(partitions, new Map([['b', 2]]));
    expect(partitions.map(({ share }) => share)).toEqual([0.125, 0.125, 0.5, 0.25]);
    const alone = of('a');
    apportion([alone], new Map([['b', 2]]));
    expect(alone.share).toBe(1);
  });
});
