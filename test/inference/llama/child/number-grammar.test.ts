import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GbnfWriter, type GrammarNode } from '../../../../src/inference/llama/child/grammar-node.ts';
import { decimalGrammar, integerGrammar, type NumberBound } from '../../../../src/inference/llama/child/number-grammar.ts';
import { seededRandom } from '../../../../src/inference/scripted/seeded-random.ts';
import { Gbnf } from './gbnf.ts';

const grammarOf = (node: GrammarNode | undefined): Gbnf => {
  if (!node) throw new Error('expected a grammar');
  const writer = new GbnfWriter();
  writer.rule('root', node);
  return new Gbnf(writer.gbnf);
};
const closed = (value: number): NumberBound => ({ value, isOpen: false });
const open = (value: number): NumberBound => ({ value, isOpen: true });

describe('integerGrammar', () => {
  it('holds exactly the whole numbers between its bounds', () => {
    const bounds = fc.tuple(fc.integer({ min: -2_000, max: 2_000 }), fc.integer({ min: 0, max: 3_000 }));
    fc.assert(
      fc.property(bounds, ([low, span]) => {
        const grammar = grammarOf(integerGrammar(low, low + span));
        const edges = [low, low + span, 0, 9, 10, 99, 100, 999, 1_000].flatMap((edge) => [edge - 1, edge, edge + 1, -edge]);
        for (const n of edges) expect([n, grammar.takes(String(n))]).toEqual([n, n >= low && n <= low + span]);
      }),
      { numRuns: 100 },
    );
  });

  it('takes no leading zero and no minus zero', () => {
    const grammar = grammarOf(integerGrammar(-5, 500));
    expect(['007', '-0', '00', '+1', ''].filter((text) => grammar.takes(text))).toEqual([]);
  });

  it('reaches fifteen digits', () => {
    const limit = 999_999_999_999_999;
    const grammar = grammarOf(integerGrammar(-limit, limit));
    expect([0, limit, -limit, 10 ** 14].every((n) => grammar.takes(String(n)))).toBe(true);
    expect(grammar.takes(String(limit + 1))).toBe(false);
  });
});

describe('decimalGrammar', () => {
  const hundredth = fc.integer({ min: -12_000, max: 12_000 }).map((n) => n / 100);
  const bound = fc.record({ value: hundredth, isOpen: fc.boolean() });

  it('holds numbers between its bounds and none beyond, with the bounds where they are closed', () => {
    fc.assert(
      fc.property(bound, bound, fc.array(hundredth), (low, high, others) => {
        const node = decimalGrammar(low, high);
        const isInside = (n: number): boolean =>
          (low.isOpen ? n > low.value : n >= low.value) && (high.isOpen ? n < high.value : n <= high.value);
        if (!node) {
          expect(low.value < high.value).toBe(false);
          return;
        }
        const grammar = grammarOf(node);
        for (const n of [low.value, high.value, (low.value + high.value) / 2, 0, ...others].map((one) => Number(one.toFixed(4)) + 0))
          expect([n, grammar.takes(String(n))]).toEqual([n, isInside(n)]);
      }),
      { numRuns: 300 },
    );
  });

  it('makes nothing that its bounds forbid', () => {
    fc.assert(
      fc.property(bound, bound, fc.integer(), (low, high, seed) => {
        const node = decimalGrammar(low, high);
        if (!node) return;
        const n = Number(grammarOf(node).sample(seededRandom(seed, 'number')));
        expect(low.isOpen ? n > low.value : n >= low.value).toBe(true);
        expect(high.isOpen ? n < high.value : n <= high.value).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it.each(['0.5', '1', '1.0', '0', '1.000000'])('0 to 1 takes %s', (text) => {
    expect(grammarOf(decimalGrammar(closed(0), closed(1))).takes(text)).toBe(true);
  });
  it.each(['1.5', '-0.5', '.5', '1.', '2', '01', '1.0000001', '1e3', '1.000001'])('0 to 1 refuses %s', (text) => {
    expect(grammarOf(decimalGrammar(closed(0), closed(1))).takes(text)).toBe(false);
  });
  it.each(['0', '0.0', '1', '-0.1', '1.0'])('between 0 and 1 refuses %s', (text) => {
    expect(grammarOf(decimalGrammar(open(0), open(1))).takes(text)).toBe(false);
  });
  it.each(['0.000001', '0.999999', '0.50'])('between 0 and 1 takes %s', (text) => {
    expect(grammarOf(decimalGrammar(open(0), open(1))).takes(text)).toBe(true);
  });
  it('stays inside of bounds that have more decimals than it writes', () => {
    const grammar = grammarOf(decimalGrammar(closed(0.000_000_4), closed(0.123_456_78)));
    expect(['0', '0.000001', '0.123456', '0.123457'].map((text) => grammar.takes(text))).toEqual([false, true, true, false]);
  });
});
