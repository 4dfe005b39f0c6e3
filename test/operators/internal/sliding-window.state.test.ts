import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SlidingWindow } from '../../../operators/internal/sliding-window.state.ts';

describe('SlidingWindow', () => {
  it('has each window there is, and lets a value go with the last that holds it', () => {
    const settings = fc.record({ size: fc.integer({ min: 1, max: 8 }), step: fc.integer({ min: 1, max: 12 }), count: fc.nat(80) });
    fc.assert(
      fc.property(settings, ({ size, step, count }) => {
        const window = new SlidingWindow<number>(size, step, () => true);
        const windows: (readonly number[])[] = [];
        const goneAfter = new Map<number, number>(); // by value: how many windows there were when it went
        for (let i = 0; i < count; i += 1) {
          const slide = window.push(i);
          if (slide.window) windows.push(slide.window);
          for (const one of slide.gone) goneAfter.set(one, windows.length);
        }
        const expected: number[][] = [];
        for (let start = 0; start + size <= count; start += step) expected.push(Array.from({ length: size }, (_, i) => start + i));
        expect(windows).toEqual(expected);
        for (const [one, after] of goneAfter) {
          const last = expected.findLastIndex((each) => each.includes(one));
          expect(after).toBe(last < 0 ? Math.floor(one / step) + 1 : last + 1);
        }
        const kept = Array.from({ length: count }, (_, i) => i).filter((one) => !goneAfter.has(one));
        expect(kept.length).toBeLessThan(size);
        expect([...window.held]).toEqual(kept);
      }),
    );
  });

  it('is full only of values that somebody waits for', () => {
    const dead = new Set<number>();
    const window = new SlidingWindow<number>(3, 1, (one) => !dead.has(one));
    const windows = [1, 2, 3, 4, 5, 6].map((one) => {
      if (one === 4) dead.add(2);
      return window.push(one).window;
    });
    expect(windows).toEqual([undefined, undefined, [1, 2, 3], undefined, [3, 4, 5], [4, 5, 6]]);
  });
});
