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
    slots.acquire(() => undefined);
    expect(slots.describe()).toEqual({ name: 'permits(2)', kind: 'permits', used: 1, limit: 2, waiting: 0 });
    slots.acquire(() => undefined);
    slots.acquire(() => undefined);
    expect(slots.describe()).toEqual({
      ...{ name: 'permits(2)', kind: 'permits', used: 2, limit: 2, waiting: 1 },
      reason: 'all permits are taken',
    });
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
