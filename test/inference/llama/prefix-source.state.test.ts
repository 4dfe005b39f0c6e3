import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inCommon, type KeptTokens, prefixSource } from '../../../src/inference/llama/prefix-source.state.ts';

const run = (from: number, count: number): number[] => Array.from({ length: count }, (_, i) => from + i);
const prompt = [...run(0, 100), ...run(500, 10)];
const at = (sequence: number, kept: number[], coming?: number[]): KeptTokens => ({ sequence, kept, coming });

describe('where the beginning of a prompt comes from', () => {
  it.each<{ what: string; sequences: KeptTokens[]; expected: unknown }>([
    { what: 'itself, when it is alone', sequences: [at(0, [])], expected: { kind: 'own' } },
    { what: 'itself, when nobody has anything of it', sequences: [at(0, []), at(1, run(900, 100))], expected: { kind: 'own' } },
    { what: 'another that has it', sequences: [at(0, []), at(1, run(0, 100))], expected: { kind: 'copy', from: 1 } },
    {
      what: 'the one that has most of it',
      sequences: [at(0, []), at(1, run(0, 50)), at(2, run(0, 90))],
      expected: { kind: 'copy', from: 2 },
    },
    { what: 'itself, when it has nearly as much', sequences: [at(0, run(0, 69)), at(1, run(0, 100))], expected: { kind: 'own' } },
    { what: 'another, when it has less', sequences: [at(0, run(0, 68)), at(1, run(0, 100))], expected: { kind: 'copy', from: 1 } },
    {
      what: 'itself, when the other is far longer than what is gained',
      sequences: [at(0, run(0, 68)), at(1, [...run(0, 100), ...run(900, 925)])],
      expected: { kind: 'own' },
    },
    { what: 'another that is about to have it', sequences: [at(0, []), at(1, [], prompt)], expected: { kind: 'wait' } },
    {
      what: 'another that has what is in common, and goes on with what is not',
      sequences: [at(0, []), at(1, run(0, 100), [...run(0, 100), ...run(700, 400)])],
      expected: { kind: 'copy', from: 1 },
    },
    {
      what: 'itself, when what is about to come is far longer than what is gained',
      sequences: [at(0, []), at(1, [], [...run(0, 40), ...run(700, 1_300)])],
      expected: { kind: 'own' },
    },
  ])('$what', ({ sequences, expected }) => {
    expect(prefixSource(prompt, 0, sequences)).toEqual(expected);
  });

  it('leaves the last token of the prompt to be evaluated', () => {
    expect(prefixSource(run(0, 33), 0, [at(0, []), at(1, run(0, 33))])).toEqual({ kind: 'copy', from: 1 });
    expect(prefixSource(run(0, 32), 0, [at(0, []), at(1, run(0, 32))])).toEqual({ kind: 'own' });
  });

  it('never waits where nobody evaluates, nor copies from itself', () => {
    const tokens = fc.array(fc.nat(1), { maxLength: 80 }).map((tail) => [...run(0, 40), ...tail]);
    fc.assert(
      fc.property(tokens, fc.array(tokens, { minLength: 1, maxLength: 5 }), (asked, kept) => {
        const source = prefixSource(
          asked,
          0,
          kept.map((one, sequence) => at(sequence, one)),
        );
        expect(source.kind).not.toBe('wait');
        if (source.kind === 'copy') expect(source.from).not.toBe(0);
      }),
    );
  });
});

it.each([
  { a: [], b: [], expected: 0 },
  { a: [1, 2], b: [1, 2, 3], expected: 2 },
  { a: [1, 2, 4], b: [1, 2, 3], expected: 2 },
  { a: [2], b: [1], expected: 0 },
])('$a and $b begin with $expected tokens in common', ({ a, b, expected }) => {
  expect(inCommon(a, b)).toBe(expected);
});
