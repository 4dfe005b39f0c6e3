import { describe, expect, it } from 'vitest';
import { sleep } from '../src/clock.ts';
import { virtualClock } from '../src/virtual-clock.ts';

describe('virtualClock', () => {
  it('runs timers by time, and by age among equals', async () => {
    const clock = virtualClock(1000);
    const ran: string[] = [];
    const note = (name: string) => () => ran.push(`${name}@${String(clock.nowMs())}`);
    clock.schedule(20, note('late'));
    clock.schedule(10, note('first'));
    clock.schedule(10, note('second'));
    clock.schedule(-5, note('now'));
    await clock.advance(19);
    expect(ran).toEqual(['now@1000', 'first@1010', 'second@1010']);
    expect(clock.nowMs()).toBe(1019);
    await clock.advance(1);
    expect(ran.at(-1)).toBe('late@1020');
  });

  it('never runs a callback before schedule has returned', async () => {
    const clock = virtualClock();
    let returned = false;
    let seen: boolean | undefined;
    clock.schedule(0, () => {
      seen = returned;
    });
    returned = true;
    await clock.advance(0);
    expect(seen).toBe(true);
  });

  it('lets promises settle before the first timer and between timers, and runs what they schedule', async () => {
    const clock = virtualClock();
    const at: number[] = [];
    const loop = async (): Promise<void> => {
      for (let i = 0; i < 5; i += 1) {
        await Promise.resolve();
        await sleep(clock, 10);
        for (let tick = 0; tick < 50; tick += 1) await Promise.resolve();
        at.push(clock.nowMs());
      }
    };
    const done = loop();
    await clock.advance(50);
    await done;
    expect(at).toEqual([10, 20, 30, 40, 50]);
  });

  it('forgets a cancelled timer, and cancelling twice or late does nothing', async () => {
    const clock = virtualClock();
    let ran = 0;
    const count = () => {
      ran += 1;
    };
    const cancel = clock.schedule(1, count);
    const late = clock.schedule(2, count);
    clock.schedule(3, count);
    cancel();
    cancel();
    await clock.advance(2);
    late();
    await clock.runUntilIdle();
    expect(ran).toBe(2);
  });

  it('stands at the last timer after runUntilIdle', async () => {
    const clock = virtualClock();
    clock.schedule(5, () => {
      clock.schedule(7, () => undefined);
    });
    await clock.runUntilIdle();
    expect(clock.nowMs()).toBe(12);
  });

  it('ends a loop without end by an error', async () => {
    const clock = virtualClock();
    const again = (delayMs: number) => () => {
      clock.schedule(delayMs, again(delayMs));
    };
    clock.schedule(0, again(0));
    await expect(clock.advance(1)).rejects.toThrow('polls without end');
    const other = virtualClock();
    const poll = () => {
      other.schedule(10, poll);
    };
    other.schedule(10, poll);
    await expect(other.runUntilIdle()).rejects.toThrow('polls without end');
  }, 20_000);

  it('refuses to run twice at once, and hands on what a timer throws', async () => {
    const clock = virtualClock();
    const first = clock.advance(1);
    await expect(clock.advance(1)).rejects.toThrow('already running');
    await first;
    clock.schedule(0, () => {
      throw new Error('boom');
    });
    await expect(clock.advance(0)).rejects.toThrow('boom');
    await clock.advance(1);
  });
});
