import { expect, it } from 'vitest';
import { SaidAgain } from '../../src/service/said-again.state.ts';

it('tells of an answer that begins anew what is new in it, whatever its pieces', () => {
  const said = new SaidAgain();
  expect(['one ', 'two'].map((text) => said.push(text))).toEqual(['one ', 'two']);
  said.restart();
  expect(['o', 'ne two th', 'ree'].map((text) => said.push(text))).toEqual(['', ' th', 'ree']);
  said.restart();
  expect([said.push('one two three'), said.isWhole, said.push('!')]).toEqual(['', true, '!']);
});

it('knows another answer, and one that ends before', () => {
  const said = new SaidAgain();
  said.push('one two');
  said.restart();
  expect([said.push('one'), said.isWhole, said.push(' too')]).toEqual(['', false, undefined]);
});
