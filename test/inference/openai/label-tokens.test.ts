import { expect, it } from 'vitest';
import { labelLogProbabilitiesOf } from '../../../src/inference/openai/label-tokens.ts';

const labels = ['positive', 'possible', 'negative'];
const told = (...first: readonly (readonly [string, number])[]) =>
  labelLogProbabilitiesOf(
    first.map(([token, logprob]) => ({ token, logprob })),
    labels,
  );

it('shares a token out among the labels that it begins', () => {
  expect(told(['pos', Math.log(0.5)], [' POSI', Math.log(0.1)], ['neg', Math.log(0.2)])?.map((one) => Math.exp(one).toFixed(3))).toEqual([
    '0.350',
    '0.250',
    '0.200',
  ]);
});

it('gives a label that nothing begins the least of what is told, and not less than -100', () => {
  expect(told(['positive', -0.5], ['the', -3])?.slice(1)).toEqual([-3, -3]);
  expect(told(['positive', -0.5], ['the', -9999])?.[2]).toBe(-100);
});

it('takes white space for the beginning of no label', () => {
  expect(told([' \n', -0.1])).toBeUndefined();
  expect(told()).toBeUndefined();
});
