import { describe, expect, it } from 'vitest';
import { answering, type AnsweringOptions } from '../../../src/inference/route/answering.ts';
import { scripted } from '../../../src/inference/scripted/scripted.ts';

describe('the options of answering', () => {
  it.each<[string, Partial<AnsweringOptions>, RegExp]>([
    ['no way at all', {}, /needs one of whenTooLong/],
    ['an empty list', { whenCut: [] }, /needs one of whenTooLong/],
    [
      'a way that does not fit the trouble',
      { whenCut: { truncate: 'tail' } as never },
      /answering\.whenCut must have one of maxTokens, ask, skip, got truncate/,
    ],
    ['two ways in one', { whenCut: { maxTokens: 9, skip: 1 } }, /must have one of/],
    ['an unknown option', { whenTooLong: { truncate: 'tail', atleast: 1 } as never }, /did you mean atLeast/],
    ['a side', { whenTooLong: [{ truncate: 'middle' as never }] }, /answering\.whenTooLong\[0\]\.truncate must be one of head, tail/],
    ['a share', { whenTooLong: { truncate: 'tail', atLeast: 0 } }, /atLeast must be a number/],
    ['a length', { whenCut: { maxTokens: 0 } }, /maxTokens must be an integer/],
    ['summaries', { whenTooLong: { summarise: { mostCalls: 0 } } }, /mostCalls must be an integer from 1 to 1000/],
    ['what is no model', { whenEmpty: { ask: {} as never } }, /answering\.whenEmpty\.ask must be a model/],
    ['a context', { whenCut: { skip: 1 }, contextTokens: 0 }, /contextTokens/],
  ])('refuses %s', (_, more, message) => {
    expect(() => answering({ model: scripted('x'), ...more })).toThrow(message);
  });

  it('refuses to ask the same model again', () => {
    const own = scripted('x');
    expect(() => answering({ model: own, whenEmpty: { ask: own } })).toThrow(/other than the one that was asked/);
  });
});
