import { describe, expect, it, vi } from 'vitest';
import { LoopBreak } from '../../src/flow/loop-break.ts';
import { mapValue } from '../../operators/index.ts';
import { mill } from '../helpers/mill.ts';
import { virtualClock } from '../../src/virtual-clock.ts';

/** A clock whose time passes while somebody computes, as it does on a machine. */
function computingClock(clock = virtualClock(1_000_000)) {
  let spentMs = 0;
  return {
    ...{ advance: clock.advance.bind(clock), nowMs: () => clock.nowMs() + spentMs, schedule: clock.schedule.bind(clock) },
    compute: (ms: number) => (spentMs += ms),
  };
}

describe('a loop that is interrupted', () => {
  it('runs for 50 ms, has a break until the event loop has had its turn, and runs again', async () => {
    const clock = computingClock();
    const goOn = vi.fn();
    const one = new LoopBreak({ clock, goOn });
    one.begin();
    clock.compute(49);
    expect(one.isDue()).toBe(false);
    clock.compute(1);
    expect([one.isDue(), one.isDue()]).toEqual([true, true]);
    one.begin(); // somebody else asks for a round: the break is not over for it
    expect([one.isDue(), goOn.mock.calls.length]).toEqual([true, 0]);
    await clock.advance(1);
    expect(goOn).toHaveBeenCalledOnce();
    one.begin();
    expect(one.isDue()).toBe(false);
  });

  it('does not go on once it is stopped', async () => {
    const clock = computingClock();
    const goOn = vi.fn();
    const one = new LoopBreak({ clock, goOn });
    one.begin();
    clock.compute(60);
    one.isDue();
    one.stop();
    await clock.advance(100);
    expect(goOn).not.toHaveBeenCalled();
  });

  it('lets timers run between records that are computed for, and loses none', async () => {
    const m = await mill();
    const clock = computingClock(m.clock);
    let done = 0;
    const seen = new Set<number>();
    clock.schedule(0, function look() {
      seen.add(done);
      if (done < 100) clock.schedule(0, look);
    });
    const app = await m.start(
      (source) =>
        source.pipe(
          mapValue((value) => {
            clock.compute(20);
            done += 1;
            return value;
          }),
        ),
      {},
      { clock },
    );
    await m.feed(Array.from({ length: 100 }, (_, i) => ({ value: String(i) })));
    await clock.advance(2_000);
    expect([done, app.stats().failed]).toEqual([100, 0]);
    expect(seen.size).toBeGreaterThan(20); // 3 records in each 50 ms
    await app.drain();
  });
});
