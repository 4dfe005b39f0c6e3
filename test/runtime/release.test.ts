import { map, mergeMap, NEVER, timer } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { call } from '../../src/call.ts';
import { mapConcurrent } from '../../operators/map-concurrent.ts';
import { withinBudget } from '../../operators/within-budget.ts';
import { sleep } from '../../src/clock.ts';
import { tokenBudget } from '../../src/policies/token-budget.ts';
import { mill, numbers, sorted, upTo, type Value } from '../helpers/mill.ts';

describe('drain', () => {
  it('waits for what runs, commits it, gives hung calls back, and a next run makes only those again', async () => {
    const m = await mill();
    await m.feed(numbers(10, 10));
    const calls: Value[] = [];
    const work = (hang: boolean) =>
      mapConcurrent(
        (v: Value) => {
          calls.push(v);
          return hang && v === 9
            ? NEVER
            : call(async () => {
                await sleep(m.clock, 500);
                return v;
              });
        },
        { concurrency: 10 },
      );
    const app = await m.start((s) => s.pipe(work(true)));
    await m.clock.advance(100);
    const drained = app.drain({ deadlineMs: 2_000 });
    await m.clock.advance(10_000);
    await drained;
    expect([m.committed(), app.stats().givenBack, calls.length]).toEqual([[9n], 1, 10]);
    calls.length = 0;
    await m.start((s) => s.pipe(work(false)));
    await m.clock.advance(5_000);
    expect([calls, sorted(m.outputs()), m.committed()]).toEqual([[9], upTo(10), [10n]]);
  });

  it('gives back at once what has only waited for a policy, and waits for what is called', async () => {
    const m = await mill();
    await m.feed(numbers(10, 10));
    const budget = tokenBudget({ requestsPerMinute: 4, windowMs: 60_000, jitterMs: 0 });
    const calls: Value[] = [];
    const ask = (v: Value) =>
      call(async () => {
        calls.push(v);
        await sleep(m.clock, 500);
        return v;
      }).pipe(withinBudget(budget, { estimate: () => 0 }));
    const app = await m.start((s) => s.pipe(mapConcurrent(ask, { concurrency: 10 })));
    await m.clock.advance(100);
    expect(budget.waiting).toBe(1); // the source holds the others back
    const drained = app.drain({ deadlineMs: 90_000 });
    await m.clock.advance(1_000);
    expect(app.state).toBe('stopped');
    await drained;
    expect([calls.length, m.committed(), app.stats().givenBack, budget.waiting]).toEqual([4, [4n], 1, 0]);
  });

  it('takes nothing more, and lets batches go that wait for company', async () => {
    const m = await mill();
    await m.feed(numbers(10));
    const app = await m.start((s) => s.pipe(mergeMap((e) => timer(1).pipe(map(() => e)))), {}, {});
    await m.clock.advance(0);
    await new Promise((resume) => {
      setImmediate(resume);
    });
    void app.drain({ deadlineMs: 100 });
    await m.feed(numbers(5));
    await m.clock.advance(1_000);
    expect(app.state).toBe('stopped');
    expect(m.committed()[0]).toBeLessThanOrEqual(10n);
  });
});

describe('two members', () => {
  it('share the work; a partition that moves is finished and committed first', async () => {
    const m = await mill({ partitions: 4 });
    await m.feed(numbers(400, 40));
    const calls: Value[] = [];
    const process = mapConcurrent(
      (v: Value) =>
        call(async () => {
          calls.push(v);
          await sleep(m.clock, 20);
          return v;
        }),
      { concurrency: 4 },
    );
    const a = await m.start((s) => s.pipe(process));
    await m.clock.advance(300);
    const b = await m.start((s) => s.pipe(process));
    await m.clock.advance(300);
    expect([a.stats().partitions, b.stats().partitions]).toEqual([2, 2]);
    const drained = a.drain();
    await m.clock.advance(60_000);
    await drained;
    expect(sorted(m.outputs())).toEqual(upTo(400));
    expect(calls).toHaveLength(400);
    expect(m.committed().reduce((x, y) => x + y)).toBe(400n);
  });
});
