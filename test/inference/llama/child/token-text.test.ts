import fc from 'fast-check';
import { expect, it } from 'vitest';
import { TokenText } from '../../../../src/inference/llama/child/token-text.ts';

const bytesToText = (tokens: readonly number[]): string => Buffer.from(tokens).toString('utf8');

it('gives whole characters, whatever bytes they come in', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const stream = new TokenText<number>(bytesToText, []);
      const pieces = [...Buffer.from(text)].map((byte) => stream.push(byte));
      expect(pieces.join('') + stream.flush()).toBe(text);
      expect(pieces.some((piece) => piece.includes('\ufffd'))).toBe(false);
    }),
  );
});

it('gives up on bytes that are no text after four tokens', () => {
  const stream = new TokenText<number>(bytesToText, []);
  expect([0xf0, 0x9f, 0x98].map((byte) => stream.push(byte))).toEqual(['', '', '']);
  expect(stream.push(0xf0)).toContain('\ufffd');
  expect(stream.push(0x61)).toBe('a');
});

it('is told what came before, eight tokens at most', () => {
  const seen: (readonly number[])[] = [];
  const stream = new TokenText<number>((tokens, before) => (seen.push(before), String(tokens)), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
  stream.push(10);
  stream.push(11);
  expect(seen).toEqual([
    [2, 3, 4, 5, 6, 7, 8, 9],
    [3, 4, 5, 6, 7, 8, 9, 10],
  ]);
});
