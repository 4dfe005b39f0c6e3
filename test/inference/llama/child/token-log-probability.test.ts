import type { Token } from 'node-llama-cpp';
import { expect, it } from 'vitest';
import { lowestLogProbability, tokenLogProbability } from '../../../../src/inference/llama/child/token-log-probability.ts';

const token = (id: number): Token => id as Token;
const model = { detokenize: (tokens: readonly Token[]) => tokens.map((one) => `t${String(one)}`).join('') };
const probabilities = new Map([
  [token(7), 0.5],
  [token(3), 0.25],
  [token(9), 0],
]);

it.each([
  { asked: 0, probabilities: undefined, top: [] },
  { asked: 1, probabilities, top: [{ token: 't7', logProbability: Math.log(0.5) }] },
  {
    asked: 20,
    probabilities,
    top: [
      { token: 't7', logProbability: Math.log(0.5) },
      { token: 't3', logProbability: Math.log(0.25) },
    ],
  },
])('tells the chosen token and $asked others at most, none that was impossible', ({ asked, probabilities: given, top }) => {
  const told = tokenLogProbability(model, { token: token(3), confidence: 0.25, probabilities: given }, { logProbabilities: asked });
  expect(told).toEqual({ token: 't3', logProbability: Math.log(0.25), top });
});

it('has a lowest number for what underflowed', () => {
  const told = tokenLogProbability(model, { token: token(3), confidence: 0 }, { logProbabilities: undefined });
  expect(told.logProbability).toBe(lowestLogProbability);
});
