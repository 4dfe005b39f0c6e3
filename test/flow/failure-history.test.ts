import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeHistory, encodeHistory, extendHistory, type FailureHistory, type HistoryEntry } from '../../src/flow/failure-history.ts';

const entry = (n: number, message?: string): HistoryEntry => ({
  at: new Date(n).toISOString(),
  on: `in/0@${String(n)}`,
  code: 'model_unavailable',
  ...(message === undefined ? {} : { message, attempts: n }),
});
const none: FailureHistory = { omitted: 0, entries: [] };
const entries = fc.array(fc.tuple(fc.nat(1e6), fc.option(fc.string({ maxLength: 400, unit: 'binary' }), { nil: undefined })), {
  maxLength: 150,
});

describe('the history of a record', () => {
  it('keeps the youngest within its bounds, counts what it cut off, and is read as it was written', () => {
    fc.assert(
      fc.property(fc.array(entries, { maxLength: 4 }), (rounds) => {
        let history = none;
        for (const round of rounds)
          history = decodeHistory(
            encodeHistory(
              extendHistory(
                history,
                round.map(([n, message]) => entry(n, message)),
              ),
            ),
          );
        const all = rounds.flat().map(([n]) => entry(n).on);
        expect(history.omitted + history.entries.length).toBe(all.length);
        expect(history.entries.map(({ on }) => on)).toEqual(all.slice(history.omitted));
        expect(history.entries.length).toBeLessThanOrEqual(100);
        expect(Buffer.byteLength(encodeHistory(history))).toBeLessThan(8_100);
        if (all.length > 0) expect(history.entries.length).toBeGreaterThan(0);
      }),
    );
  });

  it('cuts nothing off that fits', () => {
    expect(extendHistory(none, [entry(1), entry(2, 'short')])).toEqual({ omitted: 0, entries: [entry(1), entry(2, 'short')] });
  });

  it.each([undefined, '', '{', '5', 'null', '"x"', '[null,5,{"at":1},{"at":"a","on":"b"}]', '{"omitted":3}'])(
    'is empty where there is none: %s',
    (text) => {
      expect(decodeHistory(text)).toEqual(none);
    },
  );

  it('takes no count that is none', () => {
    expect(decodeHistory('[{"omitted":-5}]').omitted).toBe(0);
    expect(decodeHistory('[{"omitted":1e300}]').omitted).toBe(0);
    expect(decodeHistory('[{"omitted":7}]').omitted).toBe(7);
  });
});
