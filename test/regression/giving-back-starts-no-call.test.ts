import { describe, expect, it } from 'vitest';
import { mapConcurrent } from '../../operators/map-concurrent.ts';
import { batchWithin } from '../../operators/batch-within.ts';
import { unbatch } from '../../operators/unbatch.ts';
import { call } from '../../src/call.ts';
import { sleep } from '../../src/clock.ts';
import { mill, numbers, type Value } from '../helpers/mill.ts';
import { tapped } from '../helpers/pass-through.ts';

describe('records that are given back while others wait for their calls', () => {
  const counted = async (callMs: number, failing?: Value) => {
    const m = await mill();
    await m.feed(numbers(500, 500));
    const seen = { calls: 0, running: 0, most: 0 };
    const work = mapConcurrent(
      (v: Value) =>
        call(async () => {
          seen.calls += 1;
          seen.running += 1;
          seen.most = Math.max(seen.most, seen.running);
          await sleep(m.clock, callMs);
          seen.running -= 1;
          if (v === failing) throw new Error('bad');
          return v;
        }),
      { concurrency: 10 },
    );
    return { m, work, seen };
  };

  it('drains without a call more: those that wait are given back, those that run are finished', async () => {
    const { m, work, seen } = await counted(500);
    const app = await m.start((s) => s.pipe(work));
    await m.clock.advance(100);
    const drained = app.drain({ deadlineMs: 30_000 });
    await m.clock.advance(1_000);
    await drained;
    const { done, givenBack, aborted } = app.stats();
    expect([seen, done, givenBack, aborted]).toEqual([{ calls: 10, running: 0, most: 10 }, 10, 490, 0]);
  });

  it('aborts at the deadline without a call more', async () => {
    const { m, work, seen } = await counted(60_000);
    const app = await m.start((s) => s.pipe(batchWithin({ maxSize: 1 }), unbatch(), work));
    await m.clock.advance(100);
    const drained = app.drain({ deadlineMs: 1_000 });
    await m.clock.advance(5_000);
    await drained;
    expect([seen.calls, app.stats().aborted]).toEqual([10, 10]);
  });

  it("stops at a failure with deadLetter 'stop' without a call more", async () => {
    const { m, work, seen } = await counted(500, 3);
    const app = await m.start((s) => s.pipe(work), { deadLetter: 'stop' });
    const failed = expect(app.done).rejects.toThrow('bad');
    await m.clock.advance(10_000);
    await failed;
    expect(seen.calls).toBeLessThanOrEqual(13); // three had ended before it, and made room
  });

  it('loses its partitions without a call more', async () => {
    const { m, work, seen } = await counted(5_000);
    const { transport, consumer } = tapped(m.transport);
    const app = await m.start((s) => s.pipe(work), {}, { transport });
    await m.clock.advance(100);
    const member = consumer();
    if (member) m.transport.broker.expel(member, { noticeMs: 100 });
    await m.clock.advance(1_000);
    expect(seen.calls).toBe(10 + 10); // those that ran, and the first of those that came again
    await app.drain({ deadlineMs: 0 });
  });
});
