import { expect, it } from 'vitest';
import { isSimple } from '../../../src/codec/json-schema/watched-pattern.ts';

it.each([
  ['^[a-z]+$', true],
  ['^\\d{4}-\\d{2}$', true],
  ['^https?://', true],
  ['a*b', true],
  ['^(?:a|b)c*', true],
  ['[*+?]{3}', true],
  ['\\*\\+\\++', true],
  ['(a+)+', false],
  ['(a|a)*', false],
  ['a+b+', false],
  ['a{1,9}b{1,9}', false],
  ['a{9999}b{9999}', false],
  ['(a)\\1', false],
  ['(?=a)a', false],
  ['(?<!a)b', false],
  ['a?'.repeat(9), false],
])('%s is simple: %s', (pattern, expected) => {
  expect(isSimple(pattern)).toBe(expected);
});
