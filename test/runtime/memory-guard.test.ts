import { describe, expect, it, vi } from 'vitest';
import { mapValue } from '../../operators/index.ts';
import type { WatchedPolicy } from '../../src/policies/policy-state.ts';
import { guardMemory, type MemoryGuardOptions, memoryInUse, memoryLimits, oldSpaceLimit } from '../../src/runtime/memory-guard.ts';
import { resolveStartOptions } from '../../src/runtime/options.ts';
import { shedAll } from '../../src/runtime/watched-policies.ts';
import { virtualClock } from '../../src/virtual-clock.ts';
import { mill } from '../helpers/mill.ts';

const limits = { rss: { soft: 100, hard: 200 }, heap: { soft: 100, hard: 200 } };

describe('the memory guard', () => {
  it('looks once a second, lets go of caches first, shrinks next, tells, and recovers', async () => {
    const clock = virtualClock();
    let rss = 50;
    const done: string[] = [];
    const stop = guardMemory({
      limits,
      clock,
      read: () => ({ rss, heap: 0 }),
      shed: () => done.push('shed'),
      collect: () => done.push('collect'),
      shrink: (share) => done.push(String(share)),
      trouble: (why) => done.push(why?.includes('hard') === true ? 'hard' : why === undefined ? 'fine' : 'soft'),
    });
    await clock.advance(1_000);
    rss = 150;
    await clock.advance(2_000);
    rss = 200;
    await clock.advance(1_000);
    rss = 50;
    await clock.advance(1_000);
    stop();
    await clock.advance(5_000);
    expect(done).toEqual([
      ...['1', 'fine'],
      ...['shed', 'collect', '1', 'soft'],
      ...['shed', '0.5', 'soft'],
      ...['shed', '0', 'hard'],
      ...['0.25', 'fine'],
    ]);
  });

  it('stops the intake of a pipeline above a hard limit, and says so', async () => {
    const m = await mill();
    const app = await m.start((source) => source.pipe(mapValue((value) => value)), {}, { memory: { softRssBytes: 1, hardRssBytes: 2 } });
    await m.clock.advance(1_000);
    await m.feed([{ value: 'a' }]);
    await m.clock.advance(2_000);
    expect(app.stats()).toMatchObject({ done: 0, intakeShare: 0, pausedBy: 'memory is used up' });
    expect(app.stats().troubles).toEqual([
      expect.stringContaining('is above its hard limit of 0 MiB: nothing more is taken until it falls'),
    ]);
    await app.drain();
  });

  it('is off in virtual time unless it is asked for', async () => {
    const m = await mill();
    const app = await m.start((source) => source.pipe(mapValue((value) => value)));
    await m.feed([{ value: 'a' }]);
    await m.clock.advance(2_000);
    expect(app.stats()).toMatchObject({ done: 1, intakeShare: 1 });
    await app.drain();
    expect(resolveStartOptions({ transport: m.transport, clock: m.clock }).memory).toBe(false);
    expect(resolveStartOptions({ transport: m.transport }).memory).toMatchObject(memoryLimits({}));
    expect(resolveStartOptions({ transport: m.transport, memory: false }).memory).toBe(false);
  });

  it('takes its limits from the machine, where none are given', () => {
    const { rss, heap } = memoryLimits({});
    expect(rss.soft / rss.hard).toBeCloseTo(0.8 / 0.92);
    expect(heap.soft / heap.hard).toBeCloseTo(0.8 / 0.92);
    const used = memoryInUse();
    expect([used.rss < rss.soft, used.heap < heap.soft, used.heap > 1e6, used.rss > used.heap]).toEqual([true, true, true, true]);
    expect(memoryLimits({ softRssBytes: 1e15, hardHeapBytes: 100 })).toMatchObject({ rss: { soft: 1e15 }, heap: { hard: 100 } });
  });

  it.each([
    // as Node 24 tells its limit, and where it died
    ['--max-old-space-size=200', 392, 200],
    ['--max-old-space-size=200 --max-semi-space-size=16', 248, 200],
    ['--max_semi_space_size=1 --max-semi-space-size=16', 4_144, 4_096],
    ['--max-old-space-size=64', 256, 128], // half of it at least is not young
  ])("takes the young generation out of V8's limit: %s", (flags, told, limit) => {
    expect(oldSpaceLimit(told * 2 ** 20, flags.split(' '))).toBe(limit * 2 ** 20);
  });

  it.each([
    [{ softRssBytes: 5, hardRssBytes: 5 }, 'memory.hardRssBytes must be above memory.softRssBytes, got 5 and 5'],
    [{ softHeapBytes: 0 }, 'memory.softHeapBytes must be an integer >= 1'],
    [{ softBytes: 1 }, 'memory has no option softBytes'],
  ])('refuses %j', (options, message) => {
    expect(() => memoryLimits(options as MemoryGuardOptions)).toThrow(message);
  });

  it('asks all policies to shed, whatever one of them does', () => {
    const shed = vi.fn();
    const throws = (): never => {
      throw new Error('no');
    };
    const policy = { describe: throws };
    shedAll(
      new Map<string, WatchedPolicy>([
        ['a', { ...policy, shed: throws }],
        ['b', policy],
        ['c', { ...policy, shed }],
      ]),
    );
    expect(shed).toHaveBeenCalledOnce();
  });
});
