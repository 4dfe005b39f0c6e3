import fc from 'fast-check';
import { expect } from 'vitest';
import { openCodec } from '../../src/codec/open-codec.ts';
import { CodecError, gradeOf, isStreamError } from '../../src/errors.ts';
import { type CodecSubject, useOf } from './codec-case.ts';

export interface CodecRule {
  readonly rule: number;
  readonly says: string;
  readonly check: (subject: CodecSubject<unknown>) => void | Promise<void>;
}

const secret = 'very-private-text';
const decodeCodes = ['decode_failed', 'schema_violation', 'unexpected_tombstone'];
const encodeCodes = ['encode_failed', 'schema_violation'];

function caught(body: () => unknown): unknown {
  try {
    body();
  } catch (error) {
    return error;
  }
  return undefined;
}

/** What is not here yet is asked for and left at that: decoding it all the same is a record's fault, too. */
function read({ reader }: CodecSubject<unknown>, bytes: Uint8Array): unknown {
  reader.pending?.(bytes)?.catch(() => undefined);
  return reader.decode(bytes);
}

function expectFault(error: unknown, codes: readonly string[]): void {
  if (error === undefined) return;
  expect(error).toBeInstanceOf(CodecError);
  expect(codes).toContain((error as CodecError).code);
}

const expectReadable = (subject: CodecSubject<unknown>, bytes: Uint8Array): void => {
  expectFault(
    caught(() => read(subject, bytes)),
    decodeCodes,
  );
};

/** All that people may read of an error. */
function wordsOf(error: unknown): string {
  const words: string[] = [];
  for (let one = error; one instanceof Error; one = one.cause) words.push(one.message, one.stack ?? '');
  return words.join('\n');
}

const damage = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }), fc.boolean()), { minLength: 1, maxLength: 4 });

function damaged(bytes: Uint8Array, hits: readonly (readonly [number, number, boolean])[]): Uint8Array {
  let hurt = Uint8Array.from(bytes);
  for (const [at, byte, cut] of hits) {
    if (cut) hurt = hurt.subarray(0, at % (hurt.length + 1));
    else if (hurt.length > 0) hurt[at % hurt.length] = byte;
  }
  return hurt;
}

const large = 16 * 1024 * 1024;
const hugeBytes = (): readonly Uint8Array[] => [
  ...[0, 2, 0x22, 0x80].map((byte) => new Uint8Array(large).fill(byte)),
  Buffer.concat([Buffer.from('"'), Buffer.alloc(large, 'a'), Buffer.from('"')]),
];
const deepBytes = (): readonly Uint8Array[] =>
  [
    '['.repeat(100_000),
    '{"a":'.repeat(100_000),
    `${'['.repeat(100_000)}${']'.repeat(100_000)}`,
    '\u0002'.repeat(1_000_000),
    '\u0002\u0000'.repeat(500_000),
  ].map((text) => Buffer.from(text));
let hostile: readonly Uint8Array[] | undefined; // made once for all codecs
const longestMs = 3_000; // for 16 MiB on a busy machine: to tell a bound from none

/** What every codec keeps to, whatever it is given. */
export const codecRules: readonly CodecRule[] = [
  {
    rule: 1,
    says: 'gives back what it was given',
    check: ({ reader, writer, values }) => {
      fc.assert(
        fc.property(values, (value) => {
          expect(reader.decode(writer.encode(value))).toEqual(value);
        }),
      );
    },
  },
  {
    rule: 2,
    says: 'encodes the same value to the same bytes, and decodes the same bytes again',
    check: async ({ reader, writer, values, make }) => {
      const other = await openCodec(make(), useOf('out'));
      fc.assert(
        fc.property(values, (value) => {
          const bytes = writer.encode(value);
          expect(other.encode(value)).toEqual(bytes);
          expect(reader.decode(bytes)).toEqual(reader.decode(bytes));
        }),
      );
    },
  },
  {
    rule: 3,
    says: 'takes null bytes for null, or refuses them as a tombstone',
    check: ({ reader, nullBytes }) => {
      if (nullBytes === 'null') expect(reader.decode(null)).toBeNull();
      else expect(caught(() => reader.decode(null))).toMatchObject({ code: 'unexpected_tombstone', grade: 'record' });
    },
  },
  {
    rule: 4,
    says: 'bytes that were damaged give a value or a CodecError, nothing else',
    check: (subject) => {
      const { writer, values } = subject;
      const property = fc.property(values, damage, (value, hits) => {
        const bytes = writer.encode(value);
        if (bytes !== null) expectReadable(subject, damaged(bytes, hits));
      });
      fc.assert(property, { numRuns: 500 });
    },
  },
  {
    rule: 5,
    says: 'any bytes give a value or a CodecError, and are left as they are',
    check: (subject) => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
          const before = Uint8Array.from(bytes);
          expectReadable(subject, bytes);
          expect(bytes).toEqual(before);
        }),
      );
    },
  },
  {
    rule: 6,
    says: 'refuses to encode wrong values, each as the record’s fault',
    check: ({ writer, unencodable }) => {
      for (const value of unencodable) {
        const error = caught(() => writer.encode(value));
        expect(error).toBeInstanceOf(CodecError);
        expect(encodeCodes).toContain((error as CodecError).code);
      }
    },
  },
  {
    rule: 7,
    says: 'encodes any value, or refuses it with a CodecError',
    check: ({ writer }) => {
      const hostile = [
        undefined,
        new Proxy({}, { ownKeys: () => ['a', 'a'] }),
        Object.create(null),
        new Date(Number.NaN),
        Symbol('x'),
        () => 1,
      ];
      for (const value of hostile)
        expectFault(
          caught(() => writer.encode(value)),
          encodeCodes,
        );
      fc.assert(
        fc.property(
          fc.anything({ withBigInt: true, withDate: true, withMap: true, withTypedArray: true, withNullPrototype: true }),
          (value) => {
            expectFault(
              caught(() => writer.encode(value)),
              encodeCodes,
            );
          },
        ),
      );
    },
  },
  {
    rule: 8,
    says: 'values do not change with the bytes that they came from, nor bytes with what is encoded after them',
    check: ({ reader, writer, values, aliases = false }) => {
      fc.assert(
        fc.property(values, values, (value, next) => {
          const bytes = writer.encode(value);
          if (bytes === null) return;
          const kept = Uint8Array.from(bytes);
          writer.encode(next);
          expect(Buffer.from(bytes).equals(kept)).toBe(true);
          const given = Uint8Array.from(bytes);
          const read = reader.decode(given);
          reader.decode(writer.encode(next));
          given.fill(0xa5);
          if (!aliases) expect(read).toEqual(value);
        }),
      );
    },
  },
  {
    rule: 9,
    says: 'is after a record that failed as it was before',
    check: (subject) => {
      const { reader, writer, values, unencodable } = subject;
      fc.assert(
        fc.property(values, fc.uint8Array({ maxLength: 60 }), fc.nat(), (value, junk, which) => {
          const bytes = writer.encode(value);
          caught(() => read(subject, junk));
          if (bytes !== null) caught(() => read(subject, bytes.subarray(0, which % (bytes.length + 1))));
          caught(() => writer.encode(unencodable[which % Math.max(1, unencodable.length)]));
          expect(writer.encode(value)).toEqual(bytes);
          expect(reader.decode(bytes)).toEqual(value);
        }),
      );
    },
  },
  {
    rule: 10,
    says: 'its errors say nothing of what is in the record',
    check: (subject) => {
      const { writer, values, unencodable } = subject;
      const texts = [
        secret,
        `{"${secret}":1`,
        `["${secret}"`,
        `{"a":"${secret}"x`,
        `{"${secret}":"${secret}","text":"${secret}"}`,
        `${secret}\xff`,
      ];
      const prefixes = [[], [0], [0, 0, 0, 0, 1], [2], [40, 2]];
      const quoting = prefixes.flatMap((prefix) => texts.map((text) => Buffer.concat([Buffer.from(prefix), Buffer.from(text, 'latin1')])));
      const errors = quoting.map((bytes) => caught(() => read(subject, bytes)));
      const nested = { [secret]: secret, text: { [secret]: secret }, stars: secret };
      const wrong = [
        secret,
        [secret],
        nested,
        new Map([[secret, secret]]),
        {
          toJSON: () => {
            throw new Error('toJSON');
          },
          secret,
        },
      ];
      const refused = [...wrong, ...unencodable].map((value) => caught(() => writer.encode(value)));
      const cut = fc.sample(values, { numRuns: 20, seed: 3 }).flatMap((value) => {
        const bytes = writer.encode(value);
        return bytes === null ? [] : [caught(() => read(subject, Buffer.concat([bytes, Buffer.from(secret)])))];
      });
      for (const error of [...errors, ...refused, ...cut]) expect(wordsOf(error)).not.toContain(secret);
    },
  },
  {
    rule: 11,
    says: '16 MiB of anything, and 100,000 within each other, are a value or a CodecError, soon',
    check: (subject) => {
      for (const bytes of (hostile ??= [...hugeBytes(), ...deepBytes()])) {
        const began = performance.now();
        expectReadable(subject, bytes);
        expect(performance.now() - began).toBeLessThan(longestMs);
      }
    },
  },
  {
    rule: 12,
    says: 'pends on nothing that it can read, and says what it needs without throwing',
    check: async ({ reader, writer, values }) => {
      for (const value of fc.sample(values, { numRuns: 20, seed: 2 })) expect(reader.pending?.(writer.encode(value))).toBeUndefined();
      expect(reader.pending?.(null)).toBeUndefined();
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
          reader.pending?.(bytes)?.catch(() => undefined);
        }),
      );
      expect(reader.trouble?.()).toBeUndefined();
      await Promise.resolve();
    },
  },
  {
    rule: 13,
    says: 'can be closed twice',
    check: async ({ make }) => {
      const one = await openCodec(make(), useOf('in'));
      await one.close?.();
      await one.close?.();
    },
  },
  {
    rule: 14,
    says: 'has a name, and errors whose grade is that of their code',
    check: ({ reader, writer }) => {
      expect(reader.name).toMatch(/^\S/);
      expect(writer.name).toBe(reader.name);
      const error = caught(() => reader.decode(new Uint8Array([0xff, 0xfe, 0xfd])));
      if (error !== undefined) expect(isStreamError(error) && gradeOf[error.code]).toBe('record');
    },
  },
];
