import { describe, expect, it } from 'vitest';
import type { LoadTally } from '../../src/load/load-tally.state.ts';
import { type LoadOptions, loadPlan } from '../../src/load/load-plan.ts';
import { runLoad } from '../../src/load/run-load.ts';
import type { TaskEnd } from '../../src/load/task-end.state.ts';
import { virtualClock } from '../../src/virtual-clock.ts';
import { type Played, playedAsk } from './ask.ts';

/** Runs it to its end in virtual time. */
async function played(options: LoadOptions, play: (number: number) => Played, stopAtMs?: number) {
  const clock = virtualClock(1_000);
  const stop = new AbortController();
  const ends: TaskEnd[] = [];
  const asked: { readonly number: number; readonly atMs: number }[] = [];
  let tally: LoadTally | undefined;
  const ask = playedAsk(clock, play);
  const running = runLoad({
    ...{ plan: loadPlan({ url: 'http://a', ...options }), clock, signal: stop.signal },
    ask: (task, onChunk, signal) => {
      asked.push({ number: task.number, atMs: clock.nowMs() - 1_000 });
      return ask(task, onChunk, signal);
    },
    onBegin: (begun) => {
      tally = begun;
    },
    onEnd: (end) => ends.push(end),
  });
  if (stopAtMs !== undefined) clock.schedule(stopAtMs, () => stop.abort());
  await clock.runUntilIdle();
  const isWhole = await running;
  return { isWhole, ends, asked, sum: tally?.sum() };
}

const answer =
  (waitsMs: readonly number[], more: Partial<Played> = {}) =>
  () => ({ waitsMs, ...more });

describe('a closed loop', () => {
  it('runs each queue so often, one task at a time, and counts exactly', async () => {
    const { sum, ends, isWhole } = await played({ queues: 2, loops: 3 }, answer([100, 50, 50]));
    expect(isWhole).toBe(true);
    expect(ends.map(({ queue, number, dueMs, endMs }) => [queue, number, dueMs - 1_000, endMs - 1_000])).toEqual([
      [1, 1, 0, 200],
      [2, 2, 0, 200],
      [1, 3, 200, 400],
      [2, 4, 200, 400],
      [1, 5, 400, 600],
      [2, 6, 400, 600],
    ]);
    expect(sum).toMatchObject({ elapsedMs: 600, tasksPerSecond: 10, tokens: { completed: 18, perSecond: 30, peakPerSecond: 30 } });
    expect([sum?.latencyMs?.mean, sum?.firstTokenMs?.mean, sum?.tokenGapMs?.mean, sum?.perTokenMs?.mean]).toEqual([200, 100, 50, 50]);
    expect(sum?.tokenGapMs?.count).toBe(12);
  });

  it('shares out tasks where they are told in all: who is free takes the next', async () => {
    const { ends } = await played({ queues: 2, tasks: 5 }, (number) => ({ waitsMs: [number === 1 ? 1_000 : 100] }));
    expect(ends.map(({ queue }) => queue)).toEqual([2, 2, 2, 2, 1]);
  });

  it('begins tasks as long as its time lasts, and waits for the last', async () => {
    const { sum } = await played({ queues: 1, duration: '1s' }, answer([300]));
    expect(sum).toMatchObject({ elapsedMs: 1_200, tasks: { completed: 4 } });
  });

  it.each([
    [{ users: 3, tasks: 4 }, ['user-1', 'user-2', 'user-3', 'user-1']],
    [{ users: 2, queues: 1, tasks: 4 }, ['user-1', 'user-2', 'user-1', 'user-2']],
    [{ tasks: 2 }, [undefined, undefined]],
  ])('with %o asks for %o', async (options, users) => {
    const { ends } = await played(options, (number) => ({ waitsMs: [number * 10] }));
    expect(ends.map(({ user }) => user)).toEqual(users);
  });

  it('does not ask a target that is away in a loop', async () => {
    const { sum } = await played({ queues: 1, duration: '1s' }, answer([], { cause: 'connection ECONNREFUSED' }));
    expect(sum).toMatchObject({ tasks: { failed: 10 }, causes: [{ cause: 'connection ECONNREFUSED', count: 10 }] });
  });

  it('leaves the warm-up out, and begins with nothing open', async () => {
    const { sum, ends, asked } = await played({ queues: 2, loops: 1, warmUp: 3 }, (number) => ({ waitsMs: [number === 3 ? 5_000 : 100] }));
    expect(asked).toHaveLength(5);
    expect(ends.map(({ number, dueMs }) => [number, dueMs - 1_000])).toEqual([
      [1, 5_100],
      [2, 5_100],
    ]);
    expect(sum).toMatchObject({ elapsedMs: 100, tasks: { started: 2, completed: 2 } });
  });

  it('stopped, gives up what is open and says what was measured', async () => {
    const { sum, isWhole } = await played({ queues: 2, loops: 9 }, answer([200]), 500);
    expect(isWhole).toBe(false);
    expect(sum).toMatchObject({ elapsedMs: 500, tasks: { started: 6, completed: 4, failed: 0, interrupted: 2 } });
  });
});

describe('an open loop', () => {
  const rate = { rate: '10/s', tasks: 40, seed: 3 };

  it('begins tasks at the same times by the same seed, whatever the target does', async () => {
    const quick = await played(rate, answer([1]));
    const slow = await played(rate, answer([5_000]));
    const broken = await played(rate, answer([], { cause: 'status 500' }));
    expect(quick.asked).toHaveLength(40);
    expect([slow.asked, broken.asked]).toEqual([quick.asked, quick.asked]);
    expect((await played({ ...rate, seed: 4 }, answer([1]))).asked).not.toEqual(quick.asked);
  });

  it('counts from when a task was due, also where there was no room: no coordinated omission', async () => {
    // one place and 300 ms each: a target that bears 3.3/s is asked for 10/s
    const { sum, ends } = await played({ ...rate, maxOpen: 1 }, answer([300]));
    expect(ends.every(({ sentMs, endMs }) => Math.abs(endMs - sentMs - 300) < 0.001)).toBe(true);
    expect(sum?.serviceMs).toMatchObject({ p50: expect.closeTo(300, -1) as number, max: expect.closeTo(300, 3) as number });
    const lastDueMs = ends.at(-1)?.dueMs ?? 0;
    const first = ends[0]?.sentMs ?? 0;
    expect(sum?.latencyMs?.max).toBeCloseTo(first + 40 * 300 - lastDueMs, 3); // the last one waits for all before
    expect(sum?.tasks.late).toBeGreaterThan(30);
  });

  it('tells of those that were due and never began when its time was over', async () => {
    const { sum } = await played({ rate: '10/s', duration: '2s', maxOpen: 1, seed: 3 }, answer([10_000]));
    const { asked } = await played({ rate: '10/s', duration: '2s', seed: 3 }, answer([10_000]));
    expect(sum?.tasks).toMatchObject({ completed: 1, neverStarted: asked.length - 1, failed: asked.length - 1 });
    expect(sum?.causes).toEqual([
      { cause: 'never started', count: asked.length - 1, example: expect.stringContaining('1 were open') as string },
    ]);
  });

  it('stops at once while it waits', async () => {
    const { sum, isWhole } = await played({ rate: '10/s', duration: '1h' }, answer([50]), 3_000);
    expect(isWhole).toBe(false);
    expect(sum?.elapsedMs).toBeLessThanOrEqual(3_000);
  });
});

describe('what is counted', () => {
  it('is the usage first, then the tokens of chunks, then chunks; and the peak is by the same', async () => {
    const by = async (more: Partial<Played>) => (await played({ queues: 1, loops: 1 }, answer([1_000, 100], more))).sum?.tokens;
    expect(await by({ usage: 10 })).toMatchObject({ completed: 10, countedBy: { usage: 1 }, peakPerSecond: 10 });
    expect(await by({ tokens: 3 })).toMatchObject({ completed: 6, countedBy: { server: 1 }, peakPerSecond: 6 });
    expect(await by({})).toMatchObject({ completed: 2, countedBy: { chunks: 1 }, peakPerSecond: 2 });
  });

  it('has no peak below its mean, also in a run below a second', async () => {
    const { sum } = await played({ queues: 1, loops: 1 }, answer([100, 100], { usage: 10 }));
    expect(sum?.tokens).toMatchObject({ perSecond: 50, peakPerSecond: 50 });
  });

  it('a chunk of k tokens is k gaps of a kth of the wait, and one gap between chunks', async () => {
    const { sum } = await played({ queues: 1, loops: 1 }, answer([100, 90], { tokens: 3 }));
    expect([sum?.tokenGapMs, sum?.chunkGapMs]).toMatchObject([
      { count: 3, mean: 30 },
      { count: 1, mean: 90 },
    ]);
  });

  it('of failed tasks are the causes, and neither times nor tokens', async () => {
    const { sum } = await played({ queues: 1, loops: 4 }, (number) => ({
      waitsMs: [100],
      ...(number % 2 === 0 ? { cause: 'cut stream' } : {}),
    }));
    expect(sum).toMatchObject({ tasks: { completed: 2, failed: 2 }, tokens: { completed: 2, ofOthers: 2 }, latencyMs: { count: 2 } });
    expect(sum?.causes).toEqual([{ cause: 'cut stream', count: 2, example: 'cut stream of task 2' }]);
  });

  it('stays bounded over a day with a thousand causes', async () => {
    const { sum } = await played({ queues: 4, duration: '24h' }, (number) => ({
      waitsMs: [60_000],
      ...(number % 3 === 0 ? { cause: `error event ${String(number % 999)}` } : {}),
    }));
    expect(sum?.tasks.started).toBe(4 * 24 * 60);
    expect(sum?.causes.length).toBe(51);
    expect(sum?.series.stretches.length).toBeLessThanOrEqual(120);
    expect(sum?.samples.latencyMs.values.length).toBeLessThan(2_000);
    expect(sum?.series.stretches.reduce((all, { completed }) => all + completed, 0)).toBe(sum?.tasks.completed);
  });
});
