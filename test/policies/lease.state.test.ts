import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeLease, encodeLease, type Lease } from '../../src/policies/lease.state.ts';

describe('a lease as text', () => {
  it('comes back as it was', () => {
    const amount = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
    const entry = fc.record({
      atMs: fc.integer({ min: 0, max: 4e12 }),
      amounts: fc.record(
        { requests: amount, tokens: amount, inputTokens: amount, outputTokens: amount, money: amount },
        { requiredKeys: [] },
      ),
    });
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 10 }), (entries) => {
        const lease: Lease = entries.toSorted((a, b) => a.atMs - b.atMs);
        expect(decodeLease(encodeLease(lease))).toEqual(lease);
      }),
    );
  });

  it('never makes a time earlier, or an amount smaller', () => {
    expect(decodeLease(encodeLease([{ atMs: 10.2, amounts: { tokens: 1.5 } }]))).toEqual([{ atMs: 11, amounts: { tokens: 2 } }]);
  });

  it.each(['', '1', '2AAA', '1A', '1AAAA', '1!', `1${'_'.repeat(20)}`])('is refused when it is another one: %j', (text) => {
    expect(() => decodeLease(text)).toThrow(RangeError);
  });
});
