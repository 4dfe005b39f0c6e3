import { expect, it } from 'vitest';
import { canonicalJson } from '../../../src/codec/internal/canonical-json.ts';
import { exactJson, parseExactJson } from '../../../src/codec/internal/exact-json.ts';

it.each<readonly [string, unknown]>([
  ['9007199254740993', 9_007_199_254_740_993n],
  ['{"a":[-9223372036854775808,1]}', { a: [-9_223_372_036_854_775_808n, 1] }],
  ['9007199254740991', 9_007_199_254_740_991],
  ['1e+30', 1e30],
  ['"9007199254740993"', '9007199254740993'],
  ['{"__proto__":1234567890123456789}', JSON.parse('{"__proto__":0}', (_, one: unknown) => (one === 0 ? 1_234_567_890_123_456_789n : one))],
])('%s, there and back', (text, value) => {
  expect(parseExactJson(text)).toEqual(value);
  expect(exactJson(value)).toBe(text);
});

it('keeps the digits of a fraction to what a number holds', () => {
  expect(parseExactJson('0.12345678901234567890')).toBe(0.12345678901234568);
});

it('tells texts apart by their last digit, and not by the order of keys', () => {
  expect(canonicalJson('{"b":[{"d":1,"c":9007199254740993}],"a":1}')).toBe('{"a":1,"b":[{"c":9007199254740993,"d":1}]}');
  expect(canonicalJson('9007199254740993')).not.toBe(canonicalJson('9007199254740992'));
  expect(canonicalJson('{')).toBeUndefined();
});
