import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { joinMetadata, joinNotes, splitMetadata } from '../../src/flow/commit-metadata.state.ts';
import { decodeCompleted, encodeCompleted, maxMetadataChars } from '../../src/flow/completed-map.state.ts';

describe("a commit's metadata", () => {
  it('is the map alone without notes, as owners of older versions wrote it', () => {
    const { text } = encodeCompleted(7n, [{ from: 9n, to: 12n }]);
    expect(joinMetadata(text, joinNotes([['budget', '']]))).toBe(text);
    expect(splitMetadata(text)).toEqual({ map: text, notes: new Map() });
    expect(splitMetadata('')).toEqual({ map: '', notes: new Map() });
  });

  it('gives back map and notes as they were, whatever the names', () => {
    const note = fc.tuple(fc.string({ minLength: 1 }), fc.stringMatching(/^[\w-]{1,30}$/));
    fc.assert(
      fc.property(fc.uniqueArray(note, { selector: ([name]) => name, maxLength: 4 }), fc.bigInt({ min: 1n, max: 50n }), (notes, length) => {
        const ranges = [{ from: 9n, to: 9n + length }];
        const metadata = joinMetadata(encodeCompleted(7n, ranges).text, joinNotes(notes));
        expect(decodeCompleted(7n, metadata)).toEqual(ranges);
        expect([...splitMetadata(metadata).notes]).toEqual(notes);
      }),
    );
  });

  it('leaves the notes their room when the map is large', () => {
    const ranges = Array.from({ length: 20_000 }, (_, i) => ({ from: BigInt(3 * i + 1), to: BigInt(3 * i + 2) }));
    const noted = joinNotes([['budget', 'x'.repeat(300)]]);
    const { text, isWhole } = encodeCompleted(0n, ranges, maxMetadataChars - noted.length - 1);
    expect(isWhole).toBe(false);
    expect(joinMetadata(text, noted).length).toBeLessThanOrEqual(maxMetadataChars);
  });

  it.each(['2.YQ', '2.YQ:', '2.YQ:a b', '2.:', '2..'])('is refused when its notes are of no known form: %j', (text) => {
    expect(() => splitMetadata(text)).toThrow(RangeError);
  });
});
