import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeyIndex, type Place } from '../../../src/journal/internal/key-index.state.ts';

const key = (n: number): Uint32Array => Uint32Array.from([Math.imul(n, 2654435761) >>> 0, n, n ^ 0xffffffff, Math.imul(n, 40503) >>> 0]);
/** Keys that want the same slot, and some that are alike but for the last word. */
const anyKey = fc.oneof(
  fc.nat({ max: 3_000 }).map(key),
  fc.nat({ max: 20 }).map((n) => Uint32Array.from([7, 0, 0, n])),
);
const anyPlace: fc.Arbitrary<Place> = fc.record({
  file: fc.nat({ max: 65_535 }),
  offset: fc.maxSafeNat().map((n) => n % 2 ** 48),
  bytes: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
});

describe('the index of keys', () => {
  it('holds what a map would', () => {
    const step = fc.record({ key: anyKey, place: fc.option(anyPlace, { nil: undefined, freq: 6 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 3_000, size: 'max' }), (steps) => {
        const index = new KeyIndex();
        const model = new Map<string, Place>();
        for (const { key: one, place } of steps) {
          if (place) {
            index.put(one, place);
            model.set(one.join(), place);
          } else {
            index.forget(one);
            model.delete(one.join());
          }
        }
        expect(index.size).toBe(model.size);
        for (const { key: one } of steps) expect(index.get(one)).toEqual(model.get(one.join()));
      }),
      { numRuns: 25 },
    );
  });

  it('takes at most 40 bytes a key, at any size from 100,000 on', () => {
    const index = new KeyIndex();
    let worst = 0;
    for (let n = 0; n < 1_000_000; n += 1) {
      index.put(key(n), { file: 0, offset: n * 200, bytes: 199 });
      if (n >= 100_000) worst = Math.max(worst, index.bytes / (n + 1));
    }
    expect(index.size).toBe(1_000_000);
    expect(index.bytes).toBeLessThan(40_000_000);
    expect(worst).toBeLessThanOrEqual(40);
    expect(index.get(key(999_999))).toEqual({ file: 0, offset: 999_999 * 200, bytes: 199 });
    expect(index.get(key(1_000_000))).toBeUndefined();
  });
});
