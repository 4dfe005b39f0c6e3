import { expect, it } from 'vitest';
import { readRanking } from '../../../src/inference/openai/read-ranking.ts';

const both = [
  { index: 1, score: 0.5 },
  { index: 0, relevance_score: 0.25 },
];

it.each([
  [{ results: both, usage: { total_tokens: 7 } }, 7],
  [{ results: both, usage: { total_tokens: 7, prompt_tokens: 5 } }, 5],
  [{ results: both, usage: { total_tokens: 0 } }, undefined],
  [{ results: both }, undefined],
  [both, undefined],
])('%j: scores by index, %j tokens', (reply, tokens) => {
  const { scores, usage } = readRanking(reply, 2);
  expect([scores, usage?.inputTokens]).toEqual([[0.25, 0.5], tokens]);
});

it.each([
  [[both[0]]],
  [[...both, { index: 2, score: 1 }]],
  [[both[0], both[0]]],
  [[both[0], { index: 0, score: Number.POSITIVE_INFINITY }]],
  [[both[0], { index: 0, score: '1' }]],
  [{}],
  [null],
])('%j is no order of two', (reply) => {
  expect(() => readRanking(reply, 2)).toThrow(/one score for each/);
});
