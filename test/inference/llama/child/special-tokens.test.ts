import type { LlamaModel, Token } from 'node-llama-cpp';
import { expect, it } from 'vitest';
import { specialTokens } from '../../../../src/inference/llama/child/special-tokens.ts';

const token = (id: number): Token => id as Token;
const known: Readonly<Record<string, number[]>> = { '<end>': [2], word: [300], 'two words': [300, 301], '': [] };
const model = {
  tokenize: (text: string) => (known[text] ?? []).map(token),
  isSpecialToken: (one: Token | undefined) => one === 2,
} as Pick<LlamaModel, 'tokenize' | 'isSpecialToken'>;

it('finds special tokens by name', () => {
  expect(specialTokens(model, ['<end>'])).toEqual(new Set([2]));
  expect(specialTokens(model, []).size).toBe(0);
});

it.each(['word', 'two words', '<unknown>', ''])('refuses %j, which is no special token', (name) => {
  expect(() => specialTokens(model, ['<end>', name])).toThrow(`special tokens of the model, got ${JSON.stringify(name)}`);
});
