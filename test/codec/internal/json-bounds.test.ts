import fc from 'fast-check';
import { expect, it } from 'vitest';
import { requireBounded } from '../../../src/codec/internal/json-bounds.ts';
import { CodecError } from '../../../src/errors.ts';

/** By the parsed value. */
function measured(value: unknown): { readonly depth: number; readonly items: number } {
  if (typeof value !== 'object' || value === null) return { depth: 0, items: 0 };
  const inner = Object.values(value).map(measured);
  return {
    depth: 1 + Math.max(0, ...inner.map(({ depth }) => depth)),
    items: Math.max(1, inner.length) + inner.reduce((sum, { items }) => sum + items, 0),
  };
}

const isRefused = (text: string, maxDepth: number, maxItems: number): boolean => {
  try {
    requireBounded(text, { maxDepth, maxItems }, 'decode_failed');
    return false;
  } catch (error) {
    if (error instanceof CodecError) return true;
    throw error;
  }
};

// texts full of what the scan looks for
const text = fc.string({ unit: fc.constantFrom('"', '\\', '[', '{', ']', '}', ',', 'a', '\n', 'é'), maxLength: 40 });
const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'large', withCrossShrink: true },
    text,
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 5 }),
    fc.dictionary(text, tie('value'), { maxKeys: 5, noNullPrototype: true }),
  ),
})).value;

it('refuses exactly what is deeper, or holds more, than it may', () => {
  fc.assert(
    fc.property(json, fc.constantFrom(undefined, 1, '\t'), (value, space) => {
      const written = JSON.stringify(value, undefined, space);
      const { depth, items } = measured(value);
      if (depth > 0) {
        expect(isRefused(written, depth, items)).toBe(false);
        expect(isRefused(written, depth - 1, items)).toBe(true);
        expect(isRefused(written, depth, items - 1)).toBe(true);
      }
      expect(isRefused(written, 1 + depth, 1 + items)).toBe(false);
    }),
    { numRuns: 2_000 },
  );
});

it('is done with any text, JSON or not', () => {
  fc.assert(
    fc.property(text, fc.nat(3), fc.nat(3), (any, depth, items) => {
      isRefused(any, depth, items);
    }),
    { numRuns: 2_000 },
  );
});
