import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Codec } from '../../src/codec/codec.ts';
import { CodecError } from '../../src/errors.ts';

export interface CodecCase<T> {
  readonly make: () => Codec<T>;
  /** Values that must survive the way to bytes and back. */
  readonly values: fc.Arbitrary<T>;
  /** What null bytes are: a value, or refused. */
  readonly nullBytes: 'null' | 'refused';
  /** Values of the wrong kind, each refused when encoded. */
  readonly unencodable: readonly unknown[];
}

const decodeCodes = ['decode_failed', 'schema_violation', 'unexpected_tombstone'];

const caught = (body: () => unknown): unknown => {
  try {
    body();
  } catch (error) {
    return error;
  }
  return undefined;
};

/** What every codec keeps to, whatever it is given. The numbers are the rules. */
export function describeCodec<T>(name: string, { make, values, nullBytes, unencodable }: CodecCase<T>): void {
  describe(`codec ${name}`, () => {
    const codec = make();

    it('1: gives back what it was given', () => {
      fc.assert(
        fc.property(values, (value) => {
          expect(codec.decode(codec.encode(value))).toEqual(value);
        }),
      );
    });

    it('2: encodes the same value to the same bytes, and decodes the same bytes again', () => {
      fc.assert(
        fc.property(values, (value) => {
          const bytes = codec.encode(value);
          expect(make().encode(value)).toEqual(bytes);
          expect(codec.decode(bytes)).toEqual(codec.decode(bytes));
        }),
      );
    });

    it(`3: null bytes are ${nullBytes}`, () => {
      if (nullBytes === 'null') expect(codec.decode(null)).toBeNull();
      else expect(caught(() => codec.decode(null))).toMatchObject({ code: 'unexpected_tombstone', grade: 'record' });
    });

    it('4: bytes that were damaged give a value or a CodecError, nothing else', () => {
      const damage = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }), fc.boolean());
      fc.assert(
        fc.property(values, fc.array(damage, { minLength: 1, maxLength: 4 }), (value, hits) => {
          const bytes = codec.encode(value);
          if (bytes === null || bytes.length === 0) return;
          let hurt = Uint8Array.from(bytes);
          for (const [at, byte, cut] of hits) {
            if (cut) hurt = hurt.subarray(0, at % (hurt.length + 1));
            else if (hurt.length > 0) hurt[at % hurt.length] = byte;
          }
          expectRecordFault(caught(() => codec.decode(hurt)));
        }),
        { numRuns: 300 },
      );
    });

    it('5: any bytes give a value or a CodecError, and are left as they are', () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
          const before = Uint8Array.from(bytes);
          expectRecordFault(caught(() => codec.decode(bytes)));
          expect(bytes).toEqual(before);
        }),
      );
    });

    it.each(unencodable.map((value) => [typeof value, value] as const))('6: refuses to encode a wrong value (%s)', (_, value) => {
      const error = caught(() => codec.encode(value as T));
      expect(error).toBeInstanceOf(CodecError);
      expect(['encode_failed', 'schema_violation']).toContain((error as CodecError).code);
    });
  });
}

function expectRecordFault(error: unknown): void {
  if (error === undefined) return;
  expect(error).toBeInstanceOf(CodecError);
  expect(decodeCodes).toContain((error as CodecError).code);
}
