import fc from 'fast-check';
import { expect, it } from 'vitest';
import { StopScanner } from '../../../../src/inference/llama/child/stop-scanner.ts';
import { TokenPieces } from '../../../../src/inference/llama/child/token-pieces.ts';
import type { TokenLogProbability } from '../../../../src/inference/model.ts';

const named = (token: string): TokenLogProbability => ({ token, logProbability: -1, top: [] });

/** What each piece of an answer is made of, as a listener would hear it. */
function heard(tokens: readonly { readonly name: string; readonly text: string }[], stops: readonly string[]): [string, string[]][] {
  const pieces = new TokenPieces<TokenLogProbability>();
  const scanner = new StopScanner(stops);
  const told: [string, string[]][] = [];
  const pass = (text: string): void => {
    const names = pieces.take(text).map(({ token }) => token);
    if (text !== '') told.push([text, names]);
  };
  for (const { name, text } of tokens) {
    pieces.add(named(name), text);
    const { text: safe, stopped } = scanner.push(text);
    pass(safe);
    if (stopped) return told;
  }
  pass(scanner.flush());
  return told;
}

const plain = (...texts: string[]) => texts.map((text) => ({ name: text, text }));

it.each<{ what: string; tokens: { name: string; text: string }[]; stops: string[]; told: [string, string[]][] }>([
  {
    what: 'a token a piece',
    tokens: plain('a', 'b'),
    stops: [],
    told: [
      ['a', ['a']],
      ['b', ['b']],
    ],
  }, // prettier-ignore
  {
    what: 'both halves of a character with it',
    tokens: [
      { name: 'x', text: 'x' },
      { name: '1/2', text: '' },
      { name: '2/2', text: 'é' },
    ], // prettier-ignore
    stops: [],
    told: [
      ['x', ['x']],
      ['é', ['1/2', '2/2']],
    ], // prettier-ignore
  },
  { what: 'nothing of a stop string', tokens: plain('a', 'ST', 'OP', 'z'), stops: ['STOP'], told: [['a', ['a']]] },
  { what: 'a token that the stop string cuts', tokens: plain('aS', 'TOP'), stops: ['STOP'], told: [['a', ['aS']]] },
  {
    what: 'what was held back in vain',
    tokens: plain('a', 'ST', 'x'),
    stops: ['STOP'],
    told: [
      ['a', ['a']],
      ['STx', ['ST', 'x']],
    ],
  }, // prettier-ignore
  {
    what: 'what is held back at the end',
    tokens: plain('aS', 'T'),
    stops: ['STOP'],
    told: [
      ['a', ['aS']],
      ['ST', ['T']],
    ],
  }, // prettier-ignore
])('tells $what', ({ tokens, stops, told }) => {
  expect(heard(tokens, stops)).toEqual(told);
});

it('tells every token of an answer without stop strings once, in order', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('', 'a', 'bc', 'S', 'ST'), { maxLength: 30 }), (texts) => {
      const tokens = [...texts.map((text, index) => ({ name: String(index), text })), { name: 'last', text: '.' }];
      const told = heard(tokens, ['STOP']);
      expect(told.flatMap(([, names]) => names)).toEqual(tokens.map(({ name }) => name));
      expect(told.map(([text]) => text).join('')).toBe(tokens.map(({ text }) => text).join(''));
    }),
  );
});
