import { inspect } from 'node:util';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { avro } from '../../../src/codec/avro/avro.ts';
import type { AvroSchema } from '../../../src/codec/avro/avro-schema.ts';
import type { AvroDuration } from '../../../src/codec/avro/avro-value.ts';
import type { Codec } from '../../../src/codec/codec.ts';
import { OptionError } from '../../../src/errors.ts';
import { codecErrorOf, printed } from '../../helpers/codec-error.ts';

const hex = (text: string): Uint8Array => Buffer.from(text.replaceAll(' ', ''), 'hex');
const hexOf = (bytes: Uint8Array | null): string => Buffer.from(bytes ?? []).toString('hex');

describe('avro: types', () => {
  it('are those of a schema given as a literal', () => {
    const order = () =>
      avro({
        type: 'record',
        name: 'Order',
        namespace: 'shop',
        fields: [
          { name: 'id', type: 'long' },
          { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
          { name: 'price', type: { type: 'bytes', logicalType: 'decimal', precision: 8, scale: 2 } },
          { name: 'state', type: { type: 'enum', name: 'State', symbols: ['OPEN', 'DONE'] } },
          { name: 'before', type: ['null', 'State'], default: null },
          { name: 'tags', type: { type: 'array', items: 'string' } },
          { name: 'sizes', type: { type: 'map', values: 'double' } },
          { name: 'next', type: ['null', 'shop.Order'] },
          { name: 'either', type: ['int', 'double', 'null'] },
          { name: 'took', type: { type: 'fixed', name: 'Took', size: 12, logicalType: 'duration' } },
        ],
      });
    type Order = ReturnType<typeof order> extends Codec<infer T> ? T : never;
    expect(order().name).toBe('avro');
    expectTypeOf<Order['id']>().toEqualTypeOf<bigint>();
    expectTypeOf<Order['at']>().toEqualTypeOf<Date>();
    expectTypeOf<Order['price']>().toEqualTypeOf<string>();
    expectTypeOf<Order['state']>().toEqualTypeOf<'OPEN' | 'DONE'>();
    expectTypeOf<Order['before']>().toEqualTypeOf<'OPEN' | 'DONE' | null>();
    expectTypeOf<Order['tags']>().toEqualTypeOf<string[]>();
    expectTypeOf<Order['sizes']>().toEqualTypeOf<Record<string, number>>();
    expectTypeOf<NonNullable<Order['next']>['id']>().toEqualTypeOf<bigint>();
    expectTypeOf<Order['either']>().toEqualTypeOf<{ readonly int: number } | { readonly double: number } | null>();
    expectTypeOf<Order['took']>().toEqualTypeOf<AvroDuration>();
    const wide = (schema: AvroSchema) => avro(schema);
    expectTypeOf(wide('string').decode).returns.toEqualTypeOf<unknown>();
  });
});

describe('avro: values', () => {
  const rows: readonly (readonly [AvroSchema, unknown, string])[] = [
    ['null', null, ''],
    ['boolean', true, '01'],
    ['int', -2_147_483_648, 'ffffffff0f'],
    ['int', 64, '8001'],
    ['long', 0n, '00'],
    ['long', -1n, '01'],
    ['long', 9_223_372_036_854_775_807n, 'feffffffffffffffff01'],
    ['long', -9_223_372_036_854_775_808n, 'ffffffffffffffffff01'],
    ['long', 9_007_199_254_740_993n, '8280808080808020'],
    ['float', 1.5, '0000c03f'],
    ['double', -0, '0000000000000080'],
    ['bytes', Buffer.from([1, 2]), '040102'],
    ['string', 'é\u0000😀', '0e c3a900f09f9880'],
    ['string', '\uFFFD', '06efbfbd'],
    [{ type: 'enum', name: 'E', symbols: ['A', 'B'] }, 'B', '02'],
    [{ type: 'fixed', name: 'F', size: 2 }, Buffer.from([3, 4]), '0304'],
    [{ type: 'array', items: 'int' }, [1, 2], '04020400'],
    [{ type: 'map', values: 'int' }, { a: 1 }, '0202610200'],
    [['null', 'string'], null, '00'],
    [['null', 'string'], 'a', '020261'],
    [['int', 'long'], 1n, '0202'],
    [['int', 'double'], { double: 1 }, '02000000000000f03f'],
    [{ type: 'bytes', logicalType: 'decimal', precision: 4, scale: 2 }, '-12.30', '04fb32'],
    [{ type: 'bytes', logicalType: 'decimal', precision: 4 }, '0', '0200'],
    [{ type: 'fixed', name: 'D', size: 4, logicalType: 'decimal', precision: 4, scale: 2 }, '0.01', '00000001'],
    [
      { type: 'string', logicalType: 'uuid' },
      '0188d3c4-5b6a-7c8d-9e0f-112233445566',
      '48' + Buffer.from('0188d3c4-5b6a-7c8d-9e0f-112233445566').toString('hex'),
    ],
    [
      { type: 'fixed', name: 'U', size: 16, logicalType: 'uuid' },
      '0188d3c4-5b6a-7c8d-9e0f-112233445566',
      '0188d3c45b6a7c8d9e0f112233445566',
    ],
    [{ type: 'bytes', logicalType: 'big-decimal' }, '-12.30', '0804fb3204'],
    [{ type: 'int', logicalType: 'date' }, '1969-12-31', '01'],
    [{ type: 'int', logicalType: 'date' }, '+010000-01-01', 'c282e602'],
    [{ type: 'int', logicalType: 'time-millis' }, 1, '02'],
    [{ type: 'long', logicalType: 'time-micros' }, 1n, '02'],
    [{ type: 'long', logicalType: 'timestamp-millis' }, new Date(-1), '01'],
    [{ type: 'long', logicalType: 'timestamp-micros' }, 1n, '02'],
    [{ type: 'long', logicalType: 'local-timestamp-millis' }, '1970-01-01T00:00:00.001', '02'],
    [
      { type: 'fixed', name: 'L', size: 12, logicalType: 'duration' },
      { months: 1, days: 2, milliseconds: 4_294_967_295 },
      '0100000002000000ffffffff',
    ],
    [{ type: 'string', logicalType: 'of-nobody' }, 'a', '0261'],
    [['null', { type: 'long', logicalType: 'timestamp-millis' }], new Date(0), '0200'],
    [
      [
        { type: 'map', values: 'int' },
        { type: 'long', logicalType: 'timestamp-millis' },
      ],
      new Date(0),
      '0200',
    ],
  ];
  it.each(rows.map((row) => [inspect(row[0], { breakLength: Infinity }), inspect(row[1]), row] as const))(
    '%s: %s',
    (_, __, [schema, value, bytes]) => {
      const codec = avro(schema);
      expect(hexOf(codec.encode(value))).toBe(bytes.replaceAll(' ', ''));
      expect(codec.decode(hex(bytes))).toEqual(value);
    },
  );

  it('fills in defaults, and leaves out what the schema does not name', () => {
    const schema = {
      type: 'record',
      name: 'R',
      fields: [
        { name: 'a', type: 'long', default: 7 },
        { name: 'b', type: ['string', 'null'], default: 'x' },
        { name: 'c', type: { type: 'array', items: 'int' }, default: [] },
      ],
    } as AvroSchema;
    const codec = avro(schema);
    expect({ ...(codec.decode(codec.encode({ other: 1 })) as object) }).toEqual({ a: 7n, b: 'x', c: [] });
  });

  it('takes one schema in several places', () => {
    const when = { type: 'long', logicalType: 'timestamp-millis' } as const;
    const codec = avro({
      type: 'record',
      name: 'Span',
      fields: [
        { name: 'from', type: when },
        { name: 'to', type: when },
      ],
    });
    const span = { from: new Date(1), to: new Date(2) };
    expect({ ...codec.decode(codec.encode(span)) }).toEqual(span);
  });

  it('takes any Uint8Array for bytes, and decodes to bytes of their own', () => {
    const codec = avro('bytes');
    const bytes = codec.encode(new Uint8Array([1, 2, 3])) as Buffer;
    const value = codec.decode(bytes);
    bytes.fill(0);
    expect([...value]).toEqual([1, 2, 3]);
  });
});

describe('avro: what is refused', () => {
  it.each<[string, AvroSchema, string]>([
    ['truncated', 'long', '80'],
    ['truncated text', 'string', '0a6161'],
    ['a negative length', 'string', '01'],
    ['something behind the value', 'int', '0200'],
    ['an int of more than 32 bits', 'int', '8080808010'],
    ['a long of more than 64 bits', 'long', 'ffffffffffffffffffff01'],
    ['text that is not UTF-8', 'string', '04c328'],
    ['a branch that there is not', ['null', 'int'], '0402'],
    ['a symbol that there is not', { type: 'enum', name: 'E', symbols: ['A'] }, '02'],
    ['a map with __proto__', { type: 'map', values: 'int' }, '02125f5f70726f746f5f5f0200'],
    ['20,000,000 items in five bytes', { type: 'array', items: 'int' }, '80b489138080'],
    ['20,000,000 nulls', { type: 'array', items: 'null' }, '80b4891300'],
    ['20,000,000 entries', { type: 'map', values: 'null' }, '80b4891300'],
    ['2^62 items', { type: 'array', items: 'null' }, 'feffffffffffffff7f00'],
    ['arrays of arrays of nulls', { type: 'array', items: { type: 'array', items: 'null' } }, '10' + 'a0c21e00'.repeat(8) + '00'],
    ['a time that no Date holds', { type: 'long', logicalType: 'timestamp-millis' }, 'feffffffffffffffff01'],
  ])('%s', (_, schema, bytes) => {
    const startMs = performance.now();
    const error = codecErrorOf(() => avro(schema).decode(hex(bytes)));
    expect(error.code).toBe('decode_failed');
    expect(performance.now() - startMs).toBeLessThan(1_000);
  });

  it('nesting without end', () => {
    const codec = avro({ type: 'record', name: 'Node', fields: [{ name: 'next', type: ['null', 'Node'] }] });
    const error = codecErrorOf(() => codec.decode(Buffer.alloc(1_000_000, 2)));
    expect(error.message).toContain('nests less deep');
  });

  it.each<[string, AvroSchema, unknown, string]>([
    [
      'a number for text',
      { type: 'record', name: 'R', fields: [{ name: 'a', type: { type: 'record', name: 'S', fields: [{ name: 'b', type: 'string' }] } }] },
      { a: { b: 1 } },
      'at a.b: expected string',
    ],
    ['a number for a long', 'long', 1, 'expected long (a bigint of 64 bits), got a number'],
    ['a long that is too large', 'long', 2n ** 63n, 'expected long'],
    ['a fraction for an int', 'int', 1.5, 'expected int'],
    ['no branch', ['null', 'string'], 1, 'expected a branch of its union (null, string), got a number'],
    [
      'no name of a branch',
      ['null', 'int', 'double'],
      1,
      'expected a branch of its union, as { name: value } or null (null, int, double), got a number',
    ],
    [
      'a Map, which has no members',
      { type: 'map', values: 'int' },
      new Map([['a', 1]]),
      'expected map (a plain object without the key __proto__), got Map',
    ],
    ['a Date for a map in a union', ['null', { type: 'map', values: 'int' }], { map: new Date() }, 'at map: expected int'],
    ['a key that no reader takes', { type: 'map', values: 'int' }, JSON.parse('{"__proto__":1}'), 'expected map'],
    ['a member of all objects for a symbol', { type: 'enum', name: 'E', symbols: ['A'] }, 'constructor', 'expected E'],
    [
      'a decimal with more digits',
      { type: 'bytes', logicalType: 'decimal', precision: 4, scale: 2 },
      '1.234',
      'expected decimal of scale 2 (text',
    ],
    ['a big-decimal that is none', { type: 'bytes', logicalType: 'big-decimal' }, '1e3', 'expected big-decimal (text'],
    ['a big-decimal without end', { type: 'bytes', logicalType: 'big-decimal' }, '1'.repeat(2_466), 'of at most 2,465 characters'],
    ['a day that there is not', { type: 'int', logicalType: 'date' }, '2026-02-30', 'expected date (text'],
    [
      'an invalid Date',
      { type: 'long', logicalType: 'timestamp-millis' },
      new Date(Number.NaN),
      'expected timestamp-millis (a Date), got Date',
    ],
    ['a uuid that is none', { type: 'string', logicalType: 'uuid' }, 'secret-hunter2', 'expected uuid (text), got a string'],
    ['undefined', 'string', undefined, 'expected string'],
  ])('%s, with its path', (...[, schema, value, message]) => {
    const error = codecErrorOf(() => avro(schema).encode(value));
    expect([error.code, error.message]).toEqual(['schema_violation', expect.stringContaining(message)]);
    expect(printed(error)).not.toContain('hunter2');
  });

  it('half a surrogate pair, in keys too', () => {
    expect(codecErrorOf(() => avro('string').encode('a\uD800')).code).toBe('encode_failed');
    expect(codecErrorOf(() => avro({ type: 'map', values: 'int' }).encode({ '\uD800': 1 })).code).toBe('encode_failed');
  });

  it('null, unless nullable', () => {
    expect(codecErrorOf(() => avro('string').decode(null)).code).toBe('unexpected_tombstone');
  });

  it.each<[string, unknown]>([
    ['an unknown type', 'strin'],
    ['a record without fields', { type: 'record', name: 'R' }],
    ['a default that does not fit', { type: 'record', name: 'R', fields: [{ name: 'a', type: 'int', default: 'x' }] }],
    ['a field __proto__', { type: 'record', name: 'R', fields: [{ name: '__proto__', type: 'int' }] }],
    ['null', null],
    ['a union in a union', ['null', ['int', 'string']]],
  ])('as a schema: %s', (_, schema) => {
    expect(() => avro(schema as AvroSchema)).toThrow(OptionError);
  });
});

it('takes records up to maxBytes, and no more, in both directions', () => {
  const most = 'x'.repeat(98); // two bytes say how long it is
  expect(avro('string', { maxBytes: 100 }).decode(avro('string', { maxBytes: 100 }).encode(most))).toBe(most);
  const told = { message: expect.stringContaining('at most 100 bytes of Avro, got 101') as string };
  expect(() => avro('string', { maxBytes: 100 }).encode(`${most}x`)).toThrow(expect.objectContaining({ code: 'encode_failed', ...told }));
  expect(() => avro('string', { maxBytes: 100 }).decode(avro('string').encode(`${most}x`))).toThrow(
    expect.objectContaining({ code: 'decode_failed', ...told }),
  );
  expect(() => avro('string', { maxBytes: 0 })).toThrow('avro.maxBytes');
});
