import { describe, expect, it, vi } from 'vitest';
import { permits } from '../../src/policies/permits.ts';
import { virtualClock } from '../../src/testing.ts';

describe('permits', () => {
  it('is a resource of itself', async () => {
    const slots = permits(3);
    const opened = await slots.open({ clock: virtualClock(), signal: new AbortController().signal, log: () => undefined });
    expect(opened.value).toBe(slots);
    await opened.close();
    expect(slots).toMatchObject({ name: 'permits(3)', limit: 3, used: 0, waiting: 0 });
  });

  it('describes itself, and says why calls wait only while they do', () => {
    const slots = permits(2);
    const clock = virtualClock();
    const numbers = { wait_p50_ms: 0, wait_p99_ms: 0 };
    slots.acquire(() => undefined, clock);
    expect(slots.describe(0)).toEqual({
      ...{ name: 'permits(2)', kind: 'permits', used: 1, limit: 2, waiting: 0, numbers: { ...numbers, use_share: 0.5 } },
    });
    slots.acquire(() => undefined, clock);
    slots.acquire(() => undefined, clock);
    expect(slots.describe(0)).toEqual({
      ...{ name: 'permits(2)', kind: 'permits', used: 2, limit: 2, waiting: 1, numbers: { ...numbers, use_share: 1 } },
      reason: 'all permits are taken',
    });
  });

  it('tells how long calls waited in the last minute, and how much was used', async () => {
    const slots = permits(1);
    const clock = virtualClock();
    const release = slots.acquire(() => undefined, clock);
    slots.acquire((free) => {
      free({ end: 'completed' });
    }, clock);
    await clock.advance(100);
    release({ end: 'completed' });
    await clock.advance(100);
    const { numbers = {} } = slots.describe(200);
    expect(numbers['wait_p50_ms']).toBe(0);
    expect(numbers['wait_p99_ms']).toBeGreaterThanOrEqual(100);
    expect(numbers['wait_p99_ms']).toBeLessThanOrEqual(120);
    expect(numbers['use_share']).toBe(0.5);
    expect(slots.describe(61_000).numbers).toMatchObject({ wait_p99_ms: 0, use_share: 0 });
  });

  it('frees a permit once, however often it is released', () => {
    const slots = permits(1);
    const release = slots.acquire(() => undefined);
    const [second, third] = [vi.fn(), vi.fn()];
    slots.acquire(second);
    slots.acquire(third);
    release();
    release();
    expect([second.mock.calls.length, third.mock.calls.length, slots.used, slots.waiting]).toEqual([1, 0, 1, 1]);
  });

  it('passes on a permit whose owner left between being named and being told', () => {
    const slots = permits(2);
    const release = [slots.acquire(() => undefined), slots.acquire(() => undefined)];
    const told = vi.fn();
    // the first waiter, when told, frees the other permit and then makes its next owner leave
    slots.acquire(() => {
      release[1]?.();
      leave();
    });
    const leave = slots.acquire(told);
    release[0]?.();
    expect([told.mock.calls.length, slots.used, slots.waiting]).toEqual([0, 1, 0]);
  });

  it.each([0, 1.5, Number.NaN])('refuses %s when it is called', (n) => {
    expect(() => permits(n)).toThrow('permits must be an integer >= 1');
  });
});
