import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sentencesOf } from '../../src/text/sentences-of.ts';

describe('sentencesOf', () => {
  it.each([
    ['', []],
    ['No end', ['No end']],
    ['It rains. We stay! Do you?', ['It rains. ', 'We stay! ', 'Do you?']],
    ['title\nIt rains.', ['title\n', 'It rains.']],
    ['今天下雨。我们在家。', ['今天下雨。', '我们在家。']],
    ['هل تمطر؟ نعم.', ['هل تمطر؟ ', 'نعم.']],
    ['Costs 3.5 a day.', ['Costs 3.5 a day.']],
  ])('%j', (text, sentences) => {
    expect([...sentencesOf(text)]).toEqual(sentences);
  });

  it('are the text when joined', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('. ', 'x'.repeat(700), '。')), { maxLength: 30 }),
        (parts) => {
          expect([...sentencesOf(parts.join(''))].join('')).toBe(parts.join(''));
        },
      ),
      { numRuns: 30 },
    );
  });

  it('ends them by their whole context, however many came before', () => {
    const one = 'A sentence of some words, as they are. '.repeat(3);
    expect([...sentencesOf(one.repeat(100))]).toHaveLength(300);
  });

  it('cuts what has no end', () => {
    const sentences = [...sentencesOf('x'.repeat(100_000))];
    expect(Math.max(...sentences.map(({ length }) => length))).toBeLessThanOrEqual(16_384);
  });
});
