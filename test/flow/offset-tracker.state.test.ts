import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OffsetTracker } from '../../src/flow/offset-tracker.state.ts';

/** What the tracker must say, computed the slow way. */
const expected = (start: bigint, delivered: readonly bigint[], settled: ReadonlySet<number>): bigint => {
  let watermark = start;
  for (const [i, offset] of delivered.entries()) {
    if (!settled.has(i)) break;
    watermark = offset + 1n;
  }
  return watermark;
};

describe('OffsetTracker', () => {
  it('says the same as the slow way, whatever gaps the log has and whatever the order of settling', () => {
    const history = fc.record({
      start: fc.bigInt({ min: 0n, max: 1n << 60n }),
      steps: fc.array(fc.record({ gap: fc.nat({ max: 5 }), settle: fc.option(fc.nat(), { nil: undefined }) }), { maxLength: 300 }),
    });
    fc.assert(
      fc.property(history, ({ start, steps }) => {
        const tracker = new OffsetTracker<string>(start);
        const delivered: bigint[] = [];
        const tickets: number[] = [];
        const settled = new Set<number>();
        let next = start;
        for (const { gap, settle } of steps) {
          next += BigInt(gap);
          tickets.push(tracker.deliver(next, `item ${String(next)}`));
          delivered.push(next);
          next += 1n;
          if (settle !== undefined) {
            const at = settle % delivered.length;
            const before = tracker.watermark;
            if (!settled.has(at))
              expect(tracker.settle(tickets[at] ?? -1)).toBe(expected(start, delivered, new Set([...settled, at])) !== before);
            settled.add(at);
          }
          expect(tracker.watermark).toBe(expected(start, delivered, settled));
          expect(tracker.unsettled).toBe(delivered.length - settled.size);
          expect(tracker.open()).toEqual(delivered.flatMap((offset, i) => (settled.has(i) ? [] : [`item ${String(offset)}`])));
        }
      }),
      { numRuns: 300 },
    );
  });

  it('stands behind offsets without records as soon as all before them is settled, and says so before', () => {
    const history = fc.array(
      fc.record({ gap: fc.nat({ max: 3 }), tail: fc.nat({ max: 3 }), settle: fc.array(fc.nat(), { maxLength: 3 }) }),
      {
        maxLength: 100,
      },
    );
    fc.assert(
      fc.property(history, (steps) => {
        const tracker = new OffsetTracker<string>(0n);
        const open = new Map<number, bigint>();
        const watermark = (end: bigint): bigint => [...open.values()].reduce((least, one) => (one < least ? one : least), end);
        let next = 0n;
        const settleOne = (at: number): void => {
          const ticket = [...open.keys()][at % Math.max(1, open.size)];
          if (ticket === undefined) return;
          const before = tracker.standing(new Set([ticket]));
          tracker.settle(ticket);
          open.delete(ticket);
          expect(tracker.standing()).toEqual(before);
        };
        for (const { gap, tail, settle } of steps) {
          next += BigInt(gap);
          open.set(tracker.deliver(next, 'item'), next);
          next += 1n + BigInt(tail);
          const { watermark: before, changes } = tracker;
          expect(tracker.pass(next)).toBe(open.size === 0 && before < next);
          expect(tracker.changes > changes).toBe(tracker.watermark > before);
          for (const at of settle) settleOne(at);
          if (open.size === 0) expect(tracker.watermark).toBe(next);
          else expect(tracker.watermark).toBeLessThanOrEqual(watermark(next));
        }
        while (open.size > 0) settleOne(0);
        expect(tracker.watermark).toBe(next);
        expect(tracker.pass(next + 5n)).toBe(true);
        expect([tracker.watermark, tracker.pass(next)]).toEqual([next + 5n, false]);
      }),
      { numRuns: 300 },
    );
  });

  it('takes a million records with one that never ends, and a million without, in linear time and memory', () => {
    const tracker = new OffsetTracker<string>(0n);
    const first = tracker.deliver(0n, 'first');
    for (let i = 1; i < 1_000_000; i += 1) tracker.settle(tracker.deliver(BigInt(i), 'item'));
    expect([tracker.watermark, tracker.settledBeyond, tracker.unsettled]).toEqual([0n, 999_999, 1]);
    tracker.settle(first);
    expect([tracker.watermark, tracker.settledBeyond]).toEqual([1_000_000n, 0]);
    for (let i = 1_000_000; i < 2_000_000; i += 1) tracker.settle(tracker.deliver(BigInt(i), 'item'));
    expect(tracker.watermark).toBe(2_000_000n);
  });

  it('refuses offsets that do not grow, and settling twice', () => {
    const tracker = new OffsetTracker<string>(10n);
    expect(() => tracker.deliver(9n, 'x')).toThrow('offset 9 was delivered after 10');
    const ticket = tracker.deliver(10n, 'x');
    expect(() => tracker.deliver(10n, 'x')).toThrow('offset 10 was delivered after 10');
    tracker.settle(ticket);
    expect(() => tracker.settle(ticket)).toThrow('settled twice');
    expect(() => tracker.deliver(10n, 'x')).toThrow('offset 10 was delivered after');
    expect(() => tracker.settle(99)).toThrow('never given out');
  });
});
