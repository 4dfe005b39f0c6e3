import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decimalGrammar, integerGrammar } from '../../../../src/inference/llama/child/number-grammar.ts';

/** What the two need of GBNF, as a regular expression: spaces join, quotes are literal. */
const asRegExp = (gbnf: string): RegExp =>
  new RegExp(`^(?:${gbnf.replace(/"([^"]*)"/g, (_, text: string) => text.replace('.', '\\.')).replaceAll(' ', '')})$`);

describe('integerGrammar', () => {
  it('holds exactly the whole numbers between its bounds', () => {
    const bounds = fc.tuple(fc.integer({ min: -2_000, max: 2_000 }), fc.integer({ min: 0, max: 3_000 }));
    fc.assert(
      fc.property(bounds, ([low, span]) => {
        const grammar = asRegExp(integerGrammar(low, low + span));
        for (let n = low - 120; n <= low + span + 120; n += 1)
          expect([n, grammar.test(String(n))]).toEqual([n, n >= low && n <= low + span]);
      }),
      { numRuns: 30 },
    );
  });

  it('takes no leading zero and no minus zero', () => {
    const grammar = asRegExp(integerGrammar(-5, 500));
    expect(['007', '-0', '00', '+1', ''].filter((text) => grammar.test(text))).toEqual([]);
  });

  it('reaches fifteen digits', () => {
    const limit = 999_999_999_999_999;
    const grammar = asRegExp(integerGrammar(-limit, limit));
    expect([0, limit, -limit, 10 ** 14].every((n) => grammar.test(String(n)))).toBe(true);
    expect(grammar.test(String(limit + 1))).toBe(false);
  });
});

describe('decimalGrammar', () => {
  it('holds numbers between its bounds and none beyond', () => {
    const bounds = fc.tuple(fc.integer({ min: -50, max: 50 }), fc.integer({ min: 0, max: 120 }));
    fc.assert(
      fc.property(bounds, fc.integer({ min: -20_000, max: 20_000 }), ([low, span], hundredths) => {
        const n = hundredths / 100;
        const inside = n >= low && n <= low + span;
        expect(asRegExp(decimalGrammar(low, low + span)).test(Object.is(n, -0) ? '0' : String(n))).toBe(inside);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each(['0.5', '1', '1.0', '0', '1.000000'])('0 to 1 takes %s', (text) => {
    expect(asRegExp(decimalGrammar(0, 1)).test(text)).toBe(true);
  });
  it.each(['1.5', '-0.5', '.5', '1.', '2', '01', '1.0000001', '1e3'])('0 to 1 refuses %s', (text) => {
    expect(asRegExp(decimalGrammar(0, 1)).test(text)).toBe(false);
  });
});
