import { of } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { call } from '../../../src/call.ts';
import { sleep } from '../../../src/clock.ts';
import { numbers, outcomes, rig } from '../../helpers/engine-rig.ts';

describe('order', () => {
  it('serial tasks run one after the other, others beside them', async () => {
    let now = 0;
    let most = 0;
    const { engine, until } = rig<number, number>({
      maxWorkers: 8,
      run: (time) => (input) =>
        call(async () => {
          if (input < 100) most = Math.max(most, (now += 1));
          await sleep(time, 50);
          if (input < 100) now -= 1;
          return input;
        }),
    });
    const serial = engine.submit(numbers(6), { serial: true });
    const others = engine.submit([100, 101, 102]);
    const seen: number[] = [];
    const read = (async () => {
      for await (const one of serial) seen.push(one.index);
    })();
    await until(Promise.all([read, others.all()]));
    expect(most).toBe(1);
    expect(seen).toEqual(numbers(6));
  });

  it('tasks that share a key run one after the other, over submissions too', async () => {
    const running = new Map<string, number>();
    let clash = 0;
    const { engine, until } = rig<string, string>({
      maxWorkers: 8,
      run: (time) => (input) =>
        call(async () => {
          const key = input.charAt(0);
          if (running.get(key) === 1) clash += 1;
          running.set(key, 1);
          await sleep(time, 50);
          running.set(key, 0);
          return input;
        }),
    });
    const key = (input: string): string => input.charAt(0);
    const [first, second] = [engine.submit(['a1', 'b1', 'a2'], { key }), engine.submit(['b2', 'a3'], { key })];
    await until(Promise.all([first.all(), second.all()]));
    expect(clash).toBe(0);
  });

  it('the urgent go first, and take the place of what has not answered', async () => {
    const ends: string[] = [];
    const { engine, until, clock } = rig<string, string>({
      maxWorkers: 1,
      run: (time) => (input) => call(async (ctx) => (await sleep(time, 100, ctx.signal), ends.push(input), input)),
    });
    const low = engine.submit(['low 1', 'low 2', 'low 3'], { priority: 0 });
    await clock.advance(150);
    const high = engine.submit(['high'], { priority: 5 });
    await until(Promise.all([low.all(), high.all()]));
    expect(ends).toEqual(['low 1', 'high', 'low 2', 'low 3']);
  });

  it('the shortest go first', async () => {
    const ends: string[] = [];
    const { engine, until } = rig<string, string>({
      ...{ maxWorkers: 1, schedule: 'shortest' },
      run: (time) => (input) => call(async () => (await sleep(time, 100), ends.push(input), input)),
    });
    await until(engine.submit(['first', 'x'.repeat(4_000), 'y'.repeat(40), 'z'.repeat(400)]).all());
    expect(ends.map((one) => one.length)).toEqual([5, 40, 400, 4_000]);
  });

  it('shares one model by weight, which can be changed while it runs', async () => {
    const { engine, clock } = rig<string, string>({
      ...{ maxWorkers: 1, schedule: 'fifo', shares: { a: 3, b: 1 }, lengthOf: () => 10, maxInFlight: 40 },
      run: (time) => (input) => call(async (ctx) => (await sleep(time, 10, ctx.signal), input)),
    });
    const a = engine.submit(
      Array.from({ length: 2_000 }, () => 'a'),
      { share: 'a' },
    );
    const b = engine.submit(
      Array.from({ length: 2_000 }, () => 'b'),
      { share: 'b' },
    );
    await clock.advance(4_000);
    const [beforeA, beforeB] = [a.counts.succeeded, b.counts.succeeded];
    expect(beforeA / beforeB).toBeGreaterThan(2.5);
    expect(beforeA / beforeB).toBeLessThan(3.5);
    engine.setShare('a', 1);
    engine.setShare('b', 3);
    await clock.advance(1_000); // what was taken before is of its old weight
    const [midA, midB] = [a.counts.succeeded, b.counts.succeeded];
    await clock.advance(4_000);
    expect((b.counts.succeeded - midB) / (a.counts.succeeded - midA)).toBeGreaterThan(2.5);
  });
});

describe('context and deadline', () => {
  it('reach every step', async () => {
    const seen: unknown[] = [];
    const { engine, until, clock } = rig<number, number>({
      maxWorkers: 1,
      run:
        () =>
        (input, { ctx }) => (seen.push([ctx.context.requestId, ctx.context.tenant, ctx.context.priority, ctx.deadlineMs]), of(input)),
    });
    const untilMs = clock.nowMs() + 5_000;
    await until(engine.submit([1], { priority: 2, deadlineMs: 5_000, context: { requestId: 'r-1', tenant: 'gold' } }).all());
    expect(seen).toEqual([['r-1', 'gold', 2, untilMs]]);
  });

  it('what has not ended by the deadline fails, and its call is aborted', async () => {
    let aborted = 0;
    const { engine, until, clock } = rig<number, number>({
      maxWorkers: 1,
      run: (time) => (input) =>
        call(async (ctx) => {
          ctx.signal.addEventListener('abort', () =>
            ctx.signal.reason instanceof DOMException && time.nowMs() > 1_000_900 ? (aborted += 1) : 0,
          );
          await sleep(time, input === 0 ? 100 : 60_000, ctx.signal);
          return input;
        }),
    });
    const startMs = clock.nowMs();
    expect(outcomes(await until(engine.submit([0, 1, 2], { deadlineMs: 1_000 }).all()))).toEqual([
      0,
      'deadline_exceeded',
      'deadline_exceeded',
    ]);
    expect(clock.nowMs() - startMs).toBeLessThan(1_400);
    expect(aborted).toBeGreaterThan(0);
  });
});
