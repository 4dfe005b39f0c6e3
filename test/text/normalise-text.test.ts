import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normaliseText } from '../../src/text/normalise-text.ts';

describe('normaliseText', () => {
  it.each([
    ['', ''],
    ['  a \t b  ', 'a b'],
    ['a\r\nb\rc\u2028d\u0085e', 'a\nb\nc\nd\ne'],
    ['a\n\n\n \nb\n\n', 'a\n\nb'],
    ['\ufeffa\u200bb\u00adc\u0000d', 'abcd'],
    ['a\u00a0b\u3000c', 'a b c'],
    ['e\u0301', 'é'],
    ['👨‍👩‍👧', '👨‍👩‍👧'],
    ['می\u200cخواهم', 'می\u200cخواهم'],
    ['a\ud83d', 'a\ufffd'],
  ])('%j becomes %j', (text, normal) => {
    expect(normaliseText(text)).toBe(normal);
  });

  it('changes nothing the second time', () => {
    const parts = fc.constantFrom(
      ' ',
      '\n',
      '\r',
      '\u00ad',
      '\u200b',
      'e',
      '\u0301',
      '\u2001',
      '\ufeff',
      '\u1e9b',
      '\u0323',
      'a',
      '\u0085',
    );
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(parts).map((all) => all.join('')),
    );
    fc.assert(
      fc.property(text, (given) => {
        const once = normaliseText(given);
        expect(normaliseText(once)).toBe(once);
      }),
      { numRuns: 400 },
    );
  });

  it('a text of which a MiB is looked at after the other is the same as one that is looked at whole', () => {
    const ends = ' \u200b \n\u00ad\r\n \t\n\n \u2003b\ud83d\ude00  c\r\n';
    const normal = normaliseText(`x${ends}`).slice(1);
    for (let shift = 0; shift < 32; shift += 1) {
      const start = 'x'.repeat(1_048_576 - shift);
      expect(normaliseText(start + ends) === start + normal, `${String(shift)} before`).toBe(true);
    }
  });
});
