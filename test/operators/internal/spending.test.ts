import { expect, it } from 'vitest';
import { Spending } from '../../../operators/internal/spending.ts';
import type { BudgetShare } from '../../../src/policies/token-budget.ts';
import { systemClock } from '../../../src/clock.ts';
import { testScope } from '../../helpers/scope.ts';

const winner = { inputTokens: 10, outputTokens: 5 };
const loser = { inputTokens: 10, outputTokens: 2 };

it.each([
  ['what a value tells', [winner], winner],
  ['its sum alone', [], 15],
  ['the requests of a call together, where a hedge lost one that no value tells of', [winner, loser], winner],
  ['the same beside a sum', [winner, loser], 15],
])('settles by %s', (_, used, told) => {
  const settled: unknown[] = [];
  const share = { settle: (usage: unknown) => settled.push(usage) } as unknown as BudgetShare;
  const spending = new Spending(share, testScope(systemClock));
  for (const usage of used) spending.used(usage);
  spending.told = told;
  spending.settle();
  expect(settled).toEqual([used.length > 1 ? { inputTokens: 20, outputTokens: 7, cachedTokens: 0 } : told]);
});
