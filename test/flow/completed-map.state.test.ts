import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { completedFrom, decodeCompleted, encodeCompleted, maxMetadataChars, type OffsetRange } from '../../src/flow/completed-map.state.ts';

/** Ranges above a watermark, from how many are open and how many are done, in turn. */
function rangesOf(watermark: bigint, lengths: readonly (readonly [open: number, done: number])[]): readonly OffsetRange[] {
  let at = watermark;
  return lengths.map(([open, done]) => {
    const from = at + BigInt(open);
    at = from + BigInt(done);
    return { from, to: at };
  });
}

const watermarks = fc.bigInt({ min: 0n, max: 1n << 62n });
const upTo = (most: number) => fc.array(fc.tuple(fc.integer({ min: 1, max: most }), fc.integer({ min: 1, max: most })), { maxLength: 300 });

describe('the map of completed records', () => {
  it.each([
    { what: 'scattered over a few thousand', most: 6 },
    { what: 'in long runs, over spans of a million', most: 1_000_000 },
  ])('reads what it has written, $what', ({ most }) => {
    fc.assert(
      fc.property(watermarks, upTo(most), (watermark, lengths) => {
        const ranges = rangesOf(watermark, lengths);
        const { text, isWhole } = encodeCompleted(watermark, ranges);
        expect(isWhole).toBe(true);
        expect(decodeCompleted(watermark, text)).toEqual(ranges);
      }),
      { numRuns: 500 },
    );
  });

  it('fits beside an offset, whatever it leaves out, and leaves out what is furthest', () => {
    const many = fc.array(fc.tuple(fc.integer({ min: 1, max: 3_000 }), fc.integer({ min: 1, max: 3_000 })), {
      minLength: 500,
      maxLength: 4_000,
      size: 'max',
    });
    fc.assert(
      fc.property(watermarks, many, (watermark, lengths) => {
        const ranges = rangesOf(watermark, lengths);
        const { text, isWhole } = encodeCompleted(watermark, ranges);
        const read = decodeCompleted(watermark, text);
        expect(text.length).toBeLessThanOrEqual(maxMetadataChars);
        expect(isWhole).toBe(read.length === ranges.length);
        expect(read.length).toBeGreaterThan(400);
        const cut = read.at(-1) ?? { from: 0n, to: 0n };
        expect(read.slice(0, -1)).toEqual(ranges.slice(0, read.length - 1));
        expect(cut.from).toBe(ranges[read.length - 1]?.from);
        expect(cut.to <= (ranges[read.length - 1]?.to ?? 0n)).toBe(true); // a bit set may end within a range
      }),
      { numRuns: 50 },
    );
  });

  it.each([
    { what: 'every second of 2,000', lengths: Array.from({ length: 1_000 }, () => [1, 1] as const), kind: 'b', chars: 340 },
    { what: 'one hole and a million behind it', lengths: [[1, 1_000_000]] as const, kind: 'r', chars: 9 },
    { what: 'a million open and one done', lengths: [[1_000_000, 1]] as const, kind: 'r', chars: 9 },
  ])('takes the shorter form: $what', ({ lengths, kind, chars }) => {
    const { text } = encodeCompleted(7n, rangesOf(7n, lengths));
    expect(text[1]).toBe(kind);
    expect(text.length).toBeLessThan(chars);
  });

  it('says nothing where nothing is done', () => {
    expect(encodeCompleted(7n, [])).toEqual({ text: '', isWhole: true });
    expect(decodeCompleted(7n, '')).toEqual([]);
  });

  // the text lies in brokers: what is written today is read for years
  it.each([
    { text: '1bAg', ranges: [[8n, 9n]], watermark: 7n },
    {
      text: '1rAAIDBw',
      ranges: [
        [8n, 11n],
        [15n, 23n],
      ],
      watermark: 7n,
    },
  ])('reads $text', ({ text, ranges, watermark }) => {
    expect(decodeCompleted(watermark, text).map(({ from, to }) => [from, to])).toEqual(ranges);
  });

  it.each(['{"a":1}', '2bAA', '1xAA', '1b', '1r', '1rgA', '1rAA\n', '1bA=', 'consumer-1', '1', '1rAAAA_w'])('refuses %j', (text) => {
    expect(() => decodeCompleted(0n, text)).toThrow(RangeError);
  });

  it('refuses or reads any text, and does nothing else', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 40 }), (text) => {
        try {
          decodeCompleted(0n, `1${text}`);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
    );
  });
});

describe('completedFrom', () => {
  const stored = {
    offset: 10n,
    metadata: encodeCompleted(10n, [
      { from: 12n, to: 15n },
      { from: 20n, to: 21n },
    ]).text,
  };

  it.each([
    [
      'where the log goes on',
      10n,
      [
        [12n, 15n],
        [20n, 21n],
      ],
    ],
    [
      'where retention has passed by within a range',
      13n,
      [
        [13n, 15n],
        [20n, 21n],
      ],
    ],
    ['where retention has passed by all ranges', 21n, []],
    ['of another log', 9n, []],
  ] as const)('says what was completed, %s', (_, start, ranges) => {
    expect(completedFrom(start, stored).map(({ from, to }) => [from, to])).toEqual(ranges);
  });

  it('says nothing where nothing is stored', () => {
    expect(completedFrom(0n, undefined)).toEqual([]);
  });

  it('does not read what another log has left', () => {
    expect(completedFrom(9n, { offset: 10n, metadata: 'not ours' })).toEqual([]);
    expect(() => completedFrom(10n, { offset: 10n, metadata: 'not ours' })).toThrow(RangeError);
  });
});
