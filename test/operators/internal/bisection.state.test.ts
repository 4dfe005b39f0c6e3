import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Bisection } from '../../../operators/internal/bisection.state.ts';

const search = fc.integer({ min: 1, max: 200 }).chain((size) =>
  fc.record({
    size: fc.constant(size),
    bad: fc.oneof(fc.uniqueArray(fc.nat({ max: size - 1 }), { maxLength: 4 }), fc.subarray([...Array(size).keys()])),
    maxCalls: fc.oneof(fc.constant(Infinity), fc.integer({ min: 1, max: 20 })),
  }),
);

/** Makes the calls; one fails that has a bad member in it. */
function searched(size: number, bad: readonly number[], maxCalls: number) {
  const bisection = new Bisection<number>(size, maxCalls);
  const sizes: number[] = [];
  for (let next = bisection.next; next; next = bisection.next) {
    const { start, end } = next;
    sizes.push(end - start);
    const first = bad.find((one) => one >= start && one < end);
    if (first === undefined) bisection.succeeded(Array.from({ length: end - start }, (_, i) => start + i));
    else bisection.failed(new Error(`in ${String(start)}-${String(end)}`));
  }
  return { sizes, results: bisection.results, calls: bisection.calls };
}

describe('Bisection', () => {
  it('finds every bad member, and each good one has its own result', () => {
    fc.assert(
      fc.property(search, ({ size, bad }) => {
        const { results } = searched(size, bad, Infinity);
        const expected = Array.from({ length: size }, (_, i) => (bad.includes(i) ? new Error(`in ${String(i)}-${String(i + 1)}`) : i));
        expect(results).toEqual(expected);
      }),
    );
  });

  it('makes at most 1 + 2b * ceil(log2 n) calls, and never more than 2n - 1', () => {
    fc.assert(
      fc.property(search, ({ size, bad }) => {
        const { calls, sizes } = searched(size, bad, Infinity);
        expect(calls).toBe(sizes.length);
        expect(calls).toBeLessThanOrEqual(Math.min(2 * size - 1, 1 + 2 * bad.length * Math.ceil(Math.log2(size))));
      }),
    );
  });

  it('calls for larger slices first', () => {
    fc.assert(
      fc.property(search, ({ size, bad, maxCalls }) => {
        const { sizes } = searched(size, bad, maxCalls);
        // halves of a level differ by one
        for (const [i, one] of sizes.entries()) expect(one).toBeLessThanOrEqual(Math.min(...sizes.slice(0, i), size) + 1);
      }),
    );
  });

  it('stops after maxCalls: every member has a result, no bad one a value, no good one the result of another', () => {
    fc.assert(
      fc.property(search, ({ size, bad, maxCalls }) => {
        const { results, calls } = searched(size, bad, maxCalls);
        expect(calls).toBeLessThanOrEqual(maxCalls);
        for (const [i, result] of results.entries()) {
          if (!(result instanceof Error)) expect([result, bad.includes(i)]).toEqual([i, false]);
          else expect(slices(((result.cause ?? result) as Error).message).some(([start, end]) => start <= i && i < end)).toBe(true);
        }
        expect(results).toHaveLength(size);
        expect([...results]).not.toContain(undefined);
      }),
    );
  });

  it.each([
    { size: 32, bad: [7], calls: 11 },
    { size: 1_000, bad: [0], calls: 21 },
    { size: 128, bad: [1, 40, 70, 100], calls: 47 },
    { size: 32, bad: [...Array(32).keys()], calls: 63 },
    { size: 1, bad: [0], calls: 1 },
  ])('$size members of which $bad are bad take $calls calls', ({ size, bad, calls }) => {
    expect(searched(size, bad, Infinity).calls).toBe(calls);
  });

  it('tells the members that it may not call for why those around them failed', () => {
    const { results } = searched(8, [0], 3);
    expect(results.map((one) => (one instanceof Error ? (one.cause as Error).message : one))).toEqual([
      ...Array<string>(4).fill('in 0-4'),
      4,
      5,
      6,
      7,
    ]);
  });

  it('leaves a slice whole that fails for no reason of its members, and goes on with the others', () => {
    const bisection = new Bisection<string>(4, 9);
    bisection.failed(new Error('cut'));
    expect(bisection.next).toEqual({ start: 0, end: 2 });
    bisection.failedWhole(new Error('away'));
    expect(bisection.next).toEqual({ start: 2, end: 4 });
    bisection.succeeded(['c', 'd']);
    expect([bisection.next, bisection.results]).toEqual([undefined, [new Error('away'), new Error('away'), 'c', 'd']]);
  });

  it('says whether it may cut what is next', () => {
    expect([new Bisection(2, 2).canCut, new Bisection(2, 1).canCut, new Bisection(1, 9).canCut]).toEqual([true, false, false]);
  });
});

const slices = (message: string): [number, number][] =>
  [...message.matchAll(/(\d+)-(\d+)/g)].map(([, start, end]) => [Number(start), Number(end)]);
