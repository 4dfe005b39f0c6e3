import { expect, it } from 'vitest';
import { text } from '../../src/codec/text.ts';

it.each([
  ['an overlong slash', [0xc0, 0xaf]],
  ['half a character', [0xe2, 0x82]],
  ['a surrogate', [0xed, 0xa0, 0x80]],
  ['beyond U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
  ['a stray byte', [0x61, 0x80]],
])('refuses %s', (_, bytes) => {
  expect(() => text().decode(Uint8Array.from(bytes))).toThrow(/expected UTF-8 text, got \d bytes/);
});

it('keeps a byte order mark, a NUL and characters beyond 16 bits', () => {
  for (const value of ['\uFEFFa', 'a\u0000b', '👩‍🚀', '']) expect(text().decode(text().encode(value))).toBe(value);
});

it('refuses half a surrogate pair instead of writing U+FFFD', () => {
  expect(() => text().encode('cut \ud83d')).toThrow(/half a surrogate pair/);
});

it('keeps nothing of the bytes it was given', () => {
  const bytes = Uint8Array.of(0x61);
  const value = text().decode(bytes);
  bytes[0] = 0x62;
  expect(value).toBe('a');
});
