import fc from 'fast-check';
import { expect, it } from 'vitest';
import { jsonErrorOffset } from '../../../src/codec/internal/json-error-offset.ts';

const refusal = (text: string): string | undefined => {
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : '';
  }
};

it('agrees with V8: on what is JSON, on the position where V8 tells it, on the character where it tells that', () => {
  const piece = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"',
    '\\',
    '"a"',
    '1',
    '-',
    '0',
    '.5',
    'e3',
    'null',
    'tru',
    'e',
    ' ',
    '\n',
    '\\u00',
    '\u0001',
    'x',
  );
  const damaged = fc.tuple(fc.json(), fc.nat(), piece).map(([text, at, insert]) => {
    const place = at % (text.length + 1);
    return text.slice(0, place) + insert + text.slice(place + 1);
  });
  fc.assert(
    fc.property(
      fc.oneof(
        damaged,
        fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join('')),
      ),
      (text) => {
        const message = refusal(text);
        const offset = jsonErrorOffset(text);
        if (message === undefined) return offset === text.length;
        expect(offset).toBeLessThanOrEqual(text.length);
        if (message === 'Unexpected end of JSON input') return offset === text.length || !/[\s,:[\]{}"]/.test(text.charAt(offset));
        // V8 points into a scalar or string that breaks; we point at the scalar's beginning, or at the escape
        const [, position] = /at position (\d+)/.exec(message) ?? [];
        const [, token] = /^Unexpected token '(.+?)', /su.exec(message) ?? [];
        if (token !== undefined)
          return text.startsWith(token, offset) || (/[-\d.eEtfn]/.test(text.charAt(offset)) && text.slice(offset).includes(token));
        return position === undefined || (offset <= Number(position) && Number(position) - offset <= 8) || text.charAt(offset) === '-';
      },
    ),
    { numRuns: 3000 },
  );
});

it('reads a megabyte of escapes and a hundred thousand brackets', () => {
  expect(jsonErrorOffset(`"${'\\n'.repeat(500_000)}x`)).toBe(1_000_002);
  expect(jsonErrorOffset('['.repeat(100_000))).toBe(100_000);
});
