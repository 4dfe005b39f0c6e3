import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Chunker } from '../../src/service/chunker.state.ts';

/** The chunks of an answer that comes in these pieces, each of one token, with two tokens told at the end alone. */
function chunksOf(pieces: readonly string[]): { readonly texts: readonly string[]; readonly tokens: number } {
  const chunker = new Chunker();
  const chunks = [...pieces.map((piece) => chunker.push(piece, 1)), chunker.flush(2)].filter((one) => one !== undefined);
  return { texts: chunks.map(({ text }) => text), tokens: chunks.reduce((sum, one) => sum + one.tokens, 0) };
}

describe('Chunker', () => {
  it.each([
    ['two characters leave at once', ['ab', 'cd'], ['ab', 'cd', '']],
    ['one waits for the next', ['a', 'b', 'c'], ['ab', 'c']],
    ['the end of a sentence leaves alone', ['!', 'a', '.'], ['!', 'a.', '']],
    ['so does one in quotes', ['"', '."'], ['"."', '']],
    ['and one that is no ASCII', ['。', '…'], ['。', '…', '']],
    ['blanks go with the next chunk', ['Hello ', 'world', ' ', '\n'], ['Hello', ' world', ' \n']],
    ['blanks alone do not leave', [' ', '  ', 'x', 'y'], ['   xy', '']],
    ['a character of two units is one character', ['😀', '😀'], ['😀😀', '']],
    ['a piece without text brings its token', ['', 'ab'], ['ab', '']],
  ] as const)('%s', (_name, pieces, texts) => {
    expect(chunksOf(pieces).texts).toEqual(texts);
  });

  it('joins to exactly the answer, and counts every token once', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.string({ unit: 'grapheme', maxLength: 6 }), fc.constantFrom(' ', '\n', '.', '', '? '))),
        (pieces) => {
          const { texts, tokens } = chunksOf(pieces);
          expect(texts.join('')).toBe(pieces.join(''));
          expect(tokens).toBe(pieces.length + 2);
          for (const text of texts.slice(0, -1)) expect(text).toMatch(/\S$/);
        },
      ),
    );
  });
});
