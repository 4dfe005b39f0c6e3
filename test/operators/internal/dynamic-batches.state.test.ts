import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DynamicBatches, type Situation } from '../../../operators/internal/dynamic-batches.state.ts';

const free: Situation = { nowMs: 0, isBusy: false, isIdle: false };

const batchesOf = (preferredSizes: readonly number[] = [], maxQueueDelayMs = 10, isLive: (member: number) => boolean = () => true) =>
  new DynamicBatches<number>({ preferredSizes, maxQueueDelayMs, isLive });

const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('join' as const), bucket: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.nat(12) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('busy' as const), isBusy: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('idle' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('die' as const), one: fc.nat(100) }) },
);

describe('DynamicBatches', () => {
  it('is right about every value, whatever happens when', () => {
    const settings = fc.record({
      preferredSizes: fc.subarray([2, 3, 5]),
      maxSize: fc.integer({ min: 1, max: 6 }),
      delayMs: fc.nat(20),
      steps: fc.array(step, { maxLength: 120 }),
    });
    fc.assert(
      fc.property(settings, ({ preferredSizes, maxSize, delayMs, steps }) => {
        const dead = new Set<number>();
        const waiting = new Map<number, { readonly bucket: number; readonly sinceMs: number }>(); // the model: all that came and have not left
        const batches = batchesOf(preferredSizes, delayMs, (one) => !dead.has(one));
        let situation = free;
        let id = 0;
        const left = (ready: readonly number[] | undefined, { nowMs, isBusy, isIdle }: Situation): boolean => {
          if (!ready) return false;
          const [first] = ready as [number];
          const { bucket, sinceMs } = waiting.get(first) as { bucket: number; sinceMs: number };
          const queue = [...waiting].filter(([one, at]) => at.bucket === bucket && !dead.has(one)).map(([one]) => one);
          expect(ready).toEqual(queue.slice(0, ready.length)); // in order, none left out, none that nobody waits for
          const isAllowed =
            ready.length === maxSize ||
            (!isBusy &&
              (preferredSizes.includes(ready.length) || (ready.length === queue.length && (isIdle || nowMs - sinceMs >= delayMs))));
          expect(isAllowed).toBe(true);
          for (const one of ready) waiting.delete(one);
          return true;
        };
        const lookAt = (now: Situation): void => {
          while (left(batches.next(now), now));
          if (now.isBusy) return;
          for (const [one, { sinceMs }] of waiting) if (!dead.has(one)) expect(now.isIdle || now.nowMs - sinceMs >= delayMs).toBe(false);
        };
        for (const one of steps) {
          if (one.kind === 'join') {
            waiting.set(id, { bucket: one.bucket, sinceMs: situation.nowMs });
            left(batches.join(String(one.bucket), id, maxSize, situation), situation);
            const inBucket = [...waiting].filter(([each, at]) => at.bucket === one.bucket && !dead.has(each));
            expect(inBucket.length).toBeLessThan(maxSize); // busy or not
            id += 1;
          } else if (one.kind === 'die') dead.add(one.one % Math.max(1, id));
          else {
            if (one.kind === 'pass') situation = { ...situation, nowMs: situation.nowMs + one.ms };
            if (one.kind === 'busy') situation = { ...situation, isBusy: one.isBusy };
            lookAt({ ...situation, isIdle: one.kind === 'idle' });
          }
          expect(batches.size).toBe([...batches.members()].length);
        }
        while (left(batches.flush(), { nowMs: Infinity, isBusy: false, isIdle: true }));
        expect([...waiting.keys()].filter((one) => !dead.has(one))).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it('says when the first is due', () => {
    const batches = batchesOf();
    expect(batches.dueMs).toBe(Infinity);
    batches.join('a', 1, 9, { ...free, nowMs: 5 });
    batches.join('b', 2, 9, { ...free, nowMs: 7 });
    expect(batches.dueMs).toBe(15);
    expect(batches.next({ ...free, nowMs: 15 })).toEqual([1]);
    expect(batches.dueMs).toBe(17);
  });

  it('takes the largest preferred size, and the bucket first that has waited longest', () => {
    const batches = batchesOf([2, 4]);
    const busy = { ...free, isBusy: true };
    for (const one of [1, 2, 3]) batches.join('young', one, 9, { ...busy, nowMs: 2 });
    for (const one of [4, 5, 6, 7, 8]) batches.join('old', one, 9, { ...busy, nowMs: 1 });
    batches.join('young', 9, 9, { ...busy, nowMs: 3 });
    const taken = [1, 2, 3].map(() => batches.next({ ...free, nowMs: 3 }));
    expect(taken).toEqual([[4, 5, 6, 7], [1, 2, 3, 9], undefined]);
    expect([...batches.members()]).toEqual([8]);
  });

  it('obeys the size of the moment, and that of the bucket where it is less', () => {
    const batches = batchesOf();
    const allowed = (maxSize: number, isBusy = true): Situation => ({ ...free, isBusy, maxSize });
    for (const one of [1, 2, 3]) batches.join('a', one, 9, allowed(4));
    expect(batches.next(allowed(4))).toBeUndefined();
    expect(batches.join('a', 4, 9, allowed(4))).toEqual([1, 2, 3, 4]);
    batches.join('b', 5, 2, allowed(9));
    expect(batches.join('b', 6, 2, allowed(9))).toEqual([5, 6]);
  });

  it('cuts late where it is told so: when a call can begin, by the size of that moment', () => {
    const dead = new Set([1, 2]);
    const batches = new DynamicBatches<number>({
      preferredSizes: [],
      maxQueueDelayMs: 10,
      cutsLate: true,
      isLive: (one) => !dead.has(one),
    });
    for (const one of [0, 1, 2, 3, 4, 5, 6])
      expect(batches.join('a', one, Infinity, { ...free, isBusy: true, maxSize: 1 })).toBeUndefined();
    const sent = [2, 1, 3].map((maxSize) => batches.next({ ...free, maxSize }));
    expect(sent).toEqual([[0, 3], [4], undefined]);
    expect(batches.next({ ...free, nowMs: 10, maxSize: 3 })).toEqual([5, 6]);
    expect(batches.size).toBe(0);
  });

  it('keeps nothing of a bucket that is empty', () => {
    const dead = new Set([1]);
    const batches = batchesOf([], 10, (one) => !dead.has(one));
    batches.join('a', 1, 9, free);
    batches.join('b', 2, 9, free);
    batches.sweep();
    expect([batches.size, batches.dueMs, [...batches.members()]]).toEqual([1, 10, [2]]);
    batches.clear();
    expect([batches.size, batches.flush()]).toEqual([0, undefined]);
  });
});
