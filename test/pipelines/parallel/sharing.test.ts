import { describe, expect, it } from 'vitest';
import { parallel } from '../../../pipelines/parallel/index.ts';
import { call } from '../../../src/call.ts';
import { sleep } from '../../../src/clock.ts';
import { numbers, outcomes, rig, taking } from '../../helpers/engine-rig.ts';

/** What runs, and the most that ran at once, by what the task names. */
function holding() {
  const now = new Map<string, number>();
  const most = new Map<string, number>();
  const run = (ms: number) => (clock: Parameters<typeof sleep>[0]) => (input: string) =>
    call(async (ctx) => {
      const [name = ''] = input.split(' ');
      for (const one of [name, 'all']) {
        now.set(one, (now.get(one) ?? 0) + 1);
        most.set(one, Math.max(most.get(one) ?? 0, now.get(one) ?? 0));
      }
      try {
        await sleep(clock, ms, ctx.signal);
      } finally {
        for (const one of [name, 'all']) now.set(one, (now.get(one) ?? 0) - 1);
      }
      return input;
    });
  return { most, run };
}
const named = (name: string, count: number): string[] => numbers(count).map((n) => `${name} ${String(n)}`);

describe('memory of the model', () => {
  it('shares hold no more than their part, also where places are free; it is adjusted while they run', async () => {
    const { most, run } = holding();
    const { engine, until, clock } = rig<string, string>({
      ...{
        maxWorkers: 32,
        memory: 1_600,
        memoryOf: () => 100,
        shares: { search: { weight: 3, memory: 0.75 }, backfill: { memory: 0.25 } },
      },
      run: run(100),
    });
    const search = engine.submit(named('search', 200), { share: 'search' });
    const backfill = engine.submit(named('backfill', 200), { share: 'backfill' });
    await clock.advance(500);
    expect(Object.fromEntries(most)).toEqual({ search: 12, backfill: 4, all: 16 });
    expect(engine.stats().shares).toMatchObject({ search: { weight: 3, memory: 1_200 }, backfill: { weight: 1, memory: 400 } });
    engine.setShare('backfill', { memory: 0.5 });
    engine.setShare('search', { memory: 0.25 });
    await clock.advance(500);
    expect(engine.stats().shares).toMatchObject({ search: { weight: 3, memory: 400 }, backfill: { memory: 800 } });
    await until(Promise.all([search.all(), backfill.all()]));
    expect(most.get('all')).toBe(16);
    expect(engine.stats().shares).toMatchObject({ search: { inFlight: 0, memory: 0 } });
  });

  it('what a cancelled task holds is free when its call has ended', async () => {
    const { most, run } = holding();
    const { engine, until, clock } = rig<string, string>({ maxWorkers: 32, memory: 4, memoryOf: () => 1, run: run(60_000) });
    const first = engine.submit(named('first', 10));
    await clock.advance(100);
    first.cancel();
    const second = engine.submit(named('second', 3), { deadlineMs: 500 });
    expect(outcomes(await until(second.all()))).toEqual(numbers(3).map(() => 'deadline_exceeded'));
    expect(outcomes(await until(first.all()))).toEqual(numbers(4).map(() => 'cancelled')); // the others were never taken
    expect([most.get('all'), most.get('second')]).toEqual([4, 3]);
  });

  it('a task that finds no room keeps its place, and each is done once', async () => {
    const { engine, until } = rig<number, number>({
      ...{ maxWorkers: 8, memory: 10, memoryOf: (input) => input },
      run: taking(10),
    });
    const sizes = [3, 9, 1, 12, 2, 10, 5, 5];
    async function* slowly() {
      for (const size of sizes) {
        await Promise.resolve();
        yield size;
      }
    }
    const [a, b] = [engine.submit(sizes), engine.submit(slowly())];
    expect(outcomes(await until(a.all()))).toEqual(sizes.map((size) => 2 * size));
    expect(outcomes(await until(b.all()))).toEqual(sizes.map((size) => 2 * size));
    expect([a.counts.taken, b.counts.taken]).toEqual([8, 8]);
  });

  it('one that waits for room is cancelled with the rest', async () => {
    const { engine, until, clock } = rig<number, number>({ maxWorkers: 8, memory: 1, memoryOf: () => 1, run: taking(1_000) });
    const results = engine.submit(numbers(3));
    await clock.advance(100);
    results.cancel();
    expect(outcomes(await until(results.all()))).toEqual(['cancelled']);
    expect(outcomes(await until(engine.submit([4]).all()))).toEqual([8]);
  });

  it.each([
    [{ shares: { a: { memory: 0.5 } } }, 'is a part of parallel({ memory })'],
    [{ memory: 8, shares: { a: { memory: 2 } } }, 'the memory of share a'],
    [{ shares: { a: { weight: 0 } } }, 'must be above 0'],
    [{ shares: { a: { part: 1 } } }, 'has no option part'],
    [{ memory: 0 }, 'parallel.memory'],
  ])('%j is refused', (options, message) => {
    expect(() => parallel({ run: taking(1), ...options } as never)).toThrow(message);
  });

  it('a function that gives no number fails its task alone', async () => {
    const { engine, until } = rig<number, number>({
      ...{ maxWorkers: 2, memory: 8, memoryOf: (input) => (input === 1 ? Number.NaN : 1) },
      run: taking(1),
    });
    expect(outcomes(await until(engine.submit(numbers(3)).all()))).toEqual([0, 'invalid_option', 4]);
  });
});

describe('what is adjusted while it runs', () => {
  it('a priority: what is taken from then on goes by it', async () => {
    const { engine, until, clock } = rig({ maxWorkers: 1, maxInFlight: 4, run: taking(10) });
    const [a, b] = [engine.submit(numbers(300), { priority: 1 }), engine.submit(numbers(300))];
    await clock.advance(1_000);
    expect(a.counts.succeeded).toBeGreaterThan(10 * b.counts.succeeded);
    b.setPriority(5);
    await clock.advance(100);
    const before = { a: a.counts.succeeded, b: b.counts.succeeded };
    await clock.advance(1_000);
    expect(b.counts.succeeded - before.b).toBeGreaterThan(10 * (a.counts.succeeded - before.a));
    expect(() => b.setPriority(1_001)).toThrow('setPriority');
    await until(Promise.all([a.all(), b.all()]));
    b.setPriority(2); // has ended: nothing happens
  });

  it('the depth of the queue, by what ends within a second', async () => {
    const { engine, until, clock } = rig<number, number>({
      maxWorkers: 4,
      run: (time) => (ms) => call(async () => (await sleep(time, ms), ms)),
    });
    const quick = engine.submit(Array.from({ length: 600 }, () => 10));
    expect(engine.stats().depth).toBe(64);
    await clock.advance(500);
    expect(engine.stats().depth).toBeGreaterThan(300);
    await until(quick.all());
    const slow = engine.submit(Array.from({ length: 2_000 }, () => 500));
    await clock.advance(5_000);
    expect(engine.stats().depth).toBe(64);
    expect(slow.counts.taken).toBeLessThan(600);
    slow.cancel();
    await until(slow.all());
  });
});
