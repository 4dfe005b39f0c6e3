import { describe, expect, it, onTestFinished } from 'vitest';
import { parallel } from '../../../pipelines/parallel/index.ts';
import { sleep } from '../../../src/clock.ts';
import { virtualClock } from '../../../src/virtual-clock.ts';
import { numbers, outcomes, rig, taking, turn } from '../../helpers/engine-rig.ts';

describe('what an engine takes, and until when', () => {
  it('no more bytes at once, over all submissions, than it may hold and one task', async () => {
    const { engine, until, clock } = rig({ run: taking(1_000), maxWorkers: 50, sizeOf: () => 4, maxBytesInFlight: 10 });
    const both = Promise.all([engine.submit(numbers(10)).all(), engine.submit(numbers(10)).all()]);
    let most = 0;
    while (engine.stats().succeeded < 20) {
      await clock.advance(100);
      most = Math.max(most, engine.stats().inFlight);
    }
    expect(most).toBe(3);
    await until(both);
  });

  it('no more bytes that nobody has read', async () => {
    const { engine, until, clock } = rig({ run: taking(10), sizeOf: () => 4, maxBytesInFlight: 10 });
    const results = engine.submit(numbers(10));
    await clock.advance(5_000);
    expect(results.counts).toMatchObject({ taken: 3, unread: 3 });
    expect(await until(results.all())).toHaveLength(10);
  });

  it('a task that waits for memory keeps its place among the others', async () => {
    const { engine, until } = rig({ run: taking(100), memory: 10, memoryOf: () => 6 });
    const results = engine.submit(numbers(4));
    expect((await until(results.all())).map(({ index, input }) => [index, input])).toEqual(numbers(4).map((n) => [n, n]));
    expect(results.counts.taken).toBe(4);
  });

  it('the deadline of a context ends a task, too', async () => {
    const { engine, until, clock } = rig({ run: taking(5_000) });
    const results = engine.submit([1], { context: { deadlineMs: clock.nowMs() + 1_000 }, deadlineMs: 60_000 });
    expect(outcomes(await until(results.all()))).toEqual(['deadline_exceeded']);
  });

  it('of an asynchronous input each task has its whole deadline', async () => {
    const { engine, until, clock } = rig({ run: taking(10) });
    async function* slowly() {
      for (const n of numbers(4)) {
        await sleep(clock, 2_000);
        yield n;
      }
    }
    expect(outcomes(await until(engine.submit(slowly(), { deadlineMs: 1_000 }).all()))).toEqual([0, 2, 4, 6]);
  });

  it('closing ends with the last task, not with its deadline', async () => {
    const { engine, until, clock } = rig({ run: taking(100) });
    const startMs = clock.nowMs();
    const results = engine.submit(numbers(3));
    await until(engine.close());
    expect(clock.nowMs() - startMs).toBeLessThan(5_000);
    expect(outcomes(await results.all())).toEqual([0, 2, 4]);
  });

  it('a newcomer takes turns with those that are there: nothing is owed to it', async () => {
    const { engine, until, clock } = rig({ run: taking(100), maxWorkers: 1, maxInFlight: 2 });
    const first = engine.submit(numbers(80));
    await clock.advance(3_000);
    const before = first.counts.taken;
    const second = engine.submit(numbers(30));
    await clock.advance(2_000);
    expect(first.counts.taken - before).toBeGreaterThan(5);
    expect(second.counts.taken).toBeGreaterThan(5);
    await until(Promise.all([first.all(), second.all()]));
  });

  it('takes on a machine that stands still between any two steps', async () => {
    const clock = virtualClock(1_000_000);
    let lateMs = 0;
    const engine = parallel({ clock: { ...clock, nowMs: () => clock.nowMs() + (lateMs += 6) }, run: taking(10)(clock) });
    onTestFinished(() => turn(clock)(engine.close({ deadlineMs: 0 })));
    expect(outcomes(await turn(clock)(engine.submit(numbers(5)).all(), 20_000))).toEqual([0, 2, 4, 6, 8]);
  });
});
