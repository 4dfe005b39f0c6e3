import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutTexts } from '../../../src/inference/route/cut-texts.ts';

const family = '👨‍👩‍👧‍👦'; // one character of 11 units
const graphemes = (text: string): readonly string[] =>
  Array.from(new Intl.Segmenter('und', { granularity: 'grapheme' }).segment(text), ({ segment }) => segment);

describe('cutTexts', () => {
  it.each<[string, readonly string[], number, 'head' | 'tail', readonly string[]]>([
    ['leaves what fits', ['abc', 'de'], 5, 'tail', ['abc', 'de']],
    ['cuts the end', ['abcdef'], 3, 'tail', ['abc […]']],
    ['cuts the beginning', ['abcdef'], 3, 'head', ['[…] def']],
    ['cuts the longest alone', ['title', 'x'.repeat(50)], 25, 'tail', ['title', `${'x'.repeat(20)} […]`]],
    ['cuts long ones to one length', ['aaaa', 'bbbbbb', 'c'], 7, 'tail', ['aaa […]', 'bbb […]', 'c']],
    ['ends before a character of many code points', [`ab${family}cd`], 6, 'tail', ['ab […]']],
    ['begins behind it', [`ab${family}cd`], 6, 'head', ['[…] cd']],
    ['keeps it whole at its bounds', [`ab${family}cd`], 13, 'tail', [`ab${family} […]`]],
    ['splits no line ending, and leaves no blank before the mark', ['ab\r\ncd'], 3, 'tail', ['ab […]']],
    ['leaves nothing but a mark', ['abc'], 0, 'tail', [' […]']],
  ])('%s', (_, texts, most, side, cut) => {
    expect(cutTexts(texts, most, side)).toEqual(cut);
  });

  it('gives whole characters of the text in their order, as many as are allowed at most, whatever the text', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 40 });
    fc.assert(
      fc.property(
        fc.array(text, { minLength: 1, maxLength: 4 }),
        fc.nat(60),
        fc.constantFrom<'head' | 'tail'>('head', 'tail'),
        (texts, most, side) => {
          const cut = cutTexts(texts, most, side);
          const left = cut.map((one, at) => (one === texts[at] ? one : side === 'tail' ? one.slice(0, -4) : one.slice(4)));
          expect(left.reduce((sum, { length }) => sum + length, 0)).toBeLessThanOrEqual(Math.max(most, 0));
          for (const [at, one] of left.entries()) {
            const whole = texts[at] ?? '';
            expect(side === 'tail' ? whole.startsWith(one) : whole.endsWith(one)).toBe(true);
            const [own, all] = [graphemes(one), graphemes(whole)];
            expect(side === 'tail' ? all.slice(0, own.length) : all.slice(all.length - own.length)).toEqual(own);
          }
        },
      ),
    );
  });
});
