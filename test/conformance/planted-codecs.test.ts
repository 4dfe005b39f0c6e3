import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Codec, OpenCodec } from '../../src/codec/codec.ts';
import { json } from '../../src/codec/json.ts';
import { CodecError } from '../../src/errors.ts';
import { type CodecCase, subjectOf } from './codec-case.ts';
import { codecRules } from './codec-rules.ts';

type Value = { readonly text: string };

const good = json() as Codec<Value>;
const utf8 = new TextDecoder();
const textOf = (bytes: Uint8Array | null): string => utf8.decode(bytes ?? new Uint8Array());
const given = (codec: Partial<OpenCodec<Value>> & Pick<Codec<Value>, 'open'>, more: Partial<CodecCase<Value>> = {}): CodecCase<Value> => ({
  make: () => ({ ...good, ...codec }),
  values: fc.record({ text: fc.oneof(fc.string(), fc.constant(' a ')) }),
  nullBytes: 'refused',
  unencodable: [undefined, () => 1, 1n],
  ...more,
});

/** Good, but for what it does with bytes that it cannot read. */
const refusing = (refuse: (bytes: Uint8Array | null) => never): CodecCase<Value> =>
  given({
    decode: (bytes) => {
      try {
        return good.decode(bytes);
      } catch {
        return refuse(bytes);
      }
    },
  });

/** A codec with a fault, made anew for each test, and the rule that must find it. */
const planted: readonly (readonly [rule: number, fault: string, make: () => CodecCase<Value>])[] = [
  [1, 'trims text', () => given({ encode: ({ text }) => good.encode({ text: text.trim() }) })],
  [
    2,
    'writes a counter',
    () => {
      let count = 0;
      return given({ encode: (value) => Buffer.concat([good.encode(value) ?? Buffer.from(''), Buffer.alloc((count += 1) % 7, ' ')]) });
    },
  ],
  [3, 'makes an empty value of no value', () => given({ decode: (bytes) => (bytes === null ? { text: '' } : good.decode(bytes)) })],
  [
    3,
    'makes null of no value without being nullable',
    () => given({ decode: (bytes) => (bytes === null ? (null as never) : good.decode(bytes)) }),
  ],
  [4, 'lets the parser throw', () => given({ decode: (bytes) => JSON.parse(textOf(bytes)) as Value })],
  [
    4,
    'fails with a code that is none of a record',
    () =>
      refusing(() => {
        throw new CodecError('call_failed', 'expected JSON');
      }),
  ],
  [
    5,
    'cleans up behind itself',
    () =>
      given({
        decode: (bytes) => {
          try {
            return good.decode(bytes);
          } finally {
            bytes?.fill(0);
          }
        },
      }),
  ],
  [6, 'writes anything as text', () => given({ encode: (value: unknown) => Buffer.from(JSON.stringify(value)) })],
  [7, 'lets the writer throw', () => given({ encode: (value) => Buffer.from(JSON.stringify({ text: value.text })) })],
  [
    8,
    'writes all records into one buffer',
    () => {
      const shared = Buffer.alloc(100_000);
      return given({
        encode: (value) => {
          const bytes = good.encode(value) ?? Buffer.from('');
          shared.set(bytes);
          return shared.subarray(0, bytes.length);
        },
      });
    },
  ],
  [
    8,
    'keeps a view of what it was given',
    () =>
      given({
        decode: (bytes) => {
          const { text } = good.decode(bytes);
          return Object.defineProperty({ text }, 'text', { enumerable: true, get: () => ((bytes?.[0] ?? 0x7b) === 0x7b ? text : 'gone') });
        },
      }),
  ],
  [
    8,
    'reuses one value',
    () => {
      const shared = { text: '' };
      return given({ decode: (bytes) => Object.assign(shared, good.decode(bytes)) });
    },
  ],
  [
    9,
    'does not recover',
    () => {
      let isBroken = false;
      return given({
        decode: (bytes) => {
          try {
            const value = good.decode(bytes);
            return isBroken ? { text: `${value.text}?` } : value;
          } catch (error) {
            isBroken = true;
            throw error;
          }
        },
      });
    },
  ],
  [
    10,
    'quotes what it cannot read',
    () =>
      refusing((bytes) => {
        throw new CodecError('decode_failed', `expected JSON, got ${textOf(bytes)}`);
      }),
  ],
  [
    10,
    'quotes it in the cause',
    () =>
      given({
        decode: (bytes) => {
          try {
            return JSON.parse(textOf(bytes)) as Value;
          } catch (cause) {
            throw new CodecError('decode_failed', 'expected JSON', { cause });
          }
        },
      }),
  ],
  [
    10,
    'quotes what it cannot write',
    () =>
      given({
        encode: (value: unknown) => {
          if (typeof value !== 'string') return good.encode(value as Value);
          throw new CodecError('encode_failed', `expected an object, got ${value}`);
        },
      }),
  ],
  [
    11,
    'walks through values by calling itself',
    () => {
      const walk = (value: unknown): void => {
        if (typeof value === 'object' && value !== null) Object.values(value).forEach(walk);
      };
      return given({
        decode: (bytes) => {
          let value: unknown;
          try {
            value = JSON.parse(textOf(bytes));
          } catch {
            throw new CodecError('decode_failed', 'expected JSON');
          }
          walk(value);
          return value as Value;
        },
      });
    },
  ],
  [12, 'pends on what it can read', () => given({ open: () => Promise.resolve({ ...good, pending: () => Promise.resolve() }) })],
  [
    12,
    'throws where it should pend',
    () =>
      given({
        open: () =>
          Promise.resolve({
            ...good,
            pending: (bytes) => {
              if (bytes?.[0] !== 0x7b) throw new CodecError('decode_failed', 'no object');
              return undefined;
            },
          }),
      }),
  ],
  [
    12,
    'pends on no value',
    () => given({ open: () => Promise.resolve({ ...good, pending: (bytes) => (bytes === null ? Promise.resolve() : undefined) }) }),
  ],
  [
    13,
    'can be closed once',
    () => {
      let isClosed = false;
      return given({
        open: () =>
          Promise.resolve({
            ...good,
            close: () => {
              if (isClosed) return Promise.reject(new Error('closed'));
              isClosed = true;
              return Promise.resolve();
            },
          }),
      });
    },
  ],
  [
    14,
    'has another name when it is open',
    () => given({ open: ({ direction }) => Promise.resolve({ ...good, name: `json ${direction}` }) }),
  ],
];

describe('the conformance suite of codecs', () => {
  it.each(planted)('finds by rule %i a codec that %s', async (rule, _, make) => {
    const subject = await subjectOf(make());
    const check = codecRules.find((one) => one.rule === rule)?.check;
    await expect((async () => check?.(subject as never))()).rejects.toThrow();
  });

  it('has a planted fault for each rule, and passes the codec that has none', async () => {
    expect(new Set(planted.map(([rule]) => rule))).toEqual(new Set(codecRules.map(({ rule }) => rule)));
    for (const { check } of codecRules) await check(await subjectOf(given({})));
  });
});
