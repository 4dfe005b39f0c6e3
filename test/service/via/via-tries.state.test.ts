import { expect, it } from 'vitest';
import { ViaTries } from '../../../src/service/via/via-tries.state.ts';

it.each([
  ['one try, in order', ['a0', 'a1', 'a2'], ['next', 'next', 'next']],
  ['what was written twice', ['a0', 'a1', 'a1', 'a0', 'a2'], ['next', 'next', 'old', 'old', 'next']],
  ['a worker that dies', ['a0', 'a1', 'b0', 'b1'], ['next', 'next', 'anew', 'next']],
  ['one that stood still, and goes on when another has taken over', ['a0', 'b0', 'a1', 'b1'], ['next', 'anew', 'old', 'next']],
  ['a part that never came', ['a0', 'a2'], ['next', 'gap']],
  ['a beginning that never came', ['a1'], ['gap']],
])('knows %s', (_name, told, verdicts) => {
  const tries = new ViaTries();
  expect(told.map(([run = '', seq]) => tries.see({ run, seq: Number(seq) }))).toEqual(verdicts);
  expect(tries.count).toBe(new Set(told.filter((one) => one.endsWith('0')).map(([run]) => run)).size);
});
