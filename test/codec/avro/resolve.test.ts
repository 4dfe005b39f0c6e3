import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { AvroSchema } from '../../../src/codec/avro/avro-schema.ts';
import { encode, readerOf } from '../../../src/codec/avro/read-write.ts';
import { compileSchema } from '../../../src/codec/avro/compile-schema.ts';
import { Unreadable } from '../../../src/codec/avro/resolve.ts';

const bounds = { maxBytes: 1_000_000, maxItems: 1_000 };

/** What is read of a value that was written with another schema. */
function evolved(writer: AvroSchema, reader: AvroSchema, value: unknown): unknown {
  const [from, to] = [compileSchema(writer, 'writer'), compileSchema(reader, 'reader')];
  return plain(readerOf(from, to, bounds)(encode(from, value, bounds)));
}

const plain = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && 'constructor' in value && /^[A-Z]$/.test(value.constructor.name) ? { ...value } : value;

const record = (fields: readonly object[], rest: object = {}): AvroSchema => ({ type: 'record', name: 'R', fields, ...rest }) as AvroSchema;
const enumOf = (symbols: readonly string[], rest: object = {}): AvroSchema => ({ type: 'enum', name: 'E', symbols, ...rest });
const decimal = (precision: number, scale: number): AvroSchema => ({ type: 'bytes', logicalType: 'decimal', precision, scale });

const read: readonly (readonly [string, AvroSchema, AvroSchema, unknown, unknown])[] = [
  ['int as long', 'int', 'long', 1, 1n],
  ['int as double', 'int', 'double', 1, 1],
  ['long as float', 'long', 'float', 3n, 3],
  ['float as double', 'float', 'double', 0.5, 0.5],
  ['text as bytes', 'string', 'bytes', 'é', Buffer.from('é')],
  ['bytes as text', 'bytes', 'string', Buffer.from('é'), 'é'],
  ['a value as a union', 'int', ['null', 'long'], 1, 1n],
  ['a value as the branch of its own type, not the first that would do', 'int', ['double', 'int'], 1, { int: 1 }],
  ['a union as one of its types', ['null', 'int'], 'long', 1, 1n],
  ['a union in another order', ['null', 'string', 'int'], ['int', 'string', 'null'], 'a', 'a'],
  ['items', { type: 'array', items: 'int' }, { type: 'array', items: 'long' }, [1], [1n]],
  ['entries', { type: 'map', values: 'int' }, { type: 'map', values: 'double' }, { a: 1 }, { a: 1 }],
  [
    'fields in another order',
    record([
      { name: 'a', type: 'int' },
      { name: 'b', type: 'string' },
    ]),
    record([
      { name: 'b', type: 'string' },
      { name: 'a', type: 'long' },
    ]),
    { a: 1, b: 'x' },
    { b: 'x', a: 1n },
  ],
  [
    'a field with a default that was not written',
    record([]),
    record([{ name: 'a', type: ['null', 'int'], default: null }]),
    {},
    { a: null },
  ],
  [
    'no field that is not wanted',
    record([
      { name: 'a', type: { type: 'array', items: 'string' } },
      { name: 'b', type: 'int' },
    ]),
    record([{ name: 'b', type: 'int' }]),
    { a: ['x', 'y'], b: 2 },
    { b: 2 },
  ],
  [
    'a field by its alias',
    record([{ name: 'old', type: 'int' }]),
    record([{ name: 'new', type: 'int', aliases: ['old'] }]),
    { old: 1 },
    { new: 1 },
  ],
  [
    'a record by its alias',
    record([{ name: 'a', type: 'int' }], { name: 'Old' }),
    record([{ name: 'a', type: 'int' }], { aliases: ['Old'] }),
    { a: 1 },
    { a: 1 },
  ],
  [
    'a record of another namespace',
    record([{ name: 'a', type: 'int' }], { namespace: 'x' }),
    record([{ name: 'a', type: 'int' }], { namespace: 'y' }),
    { a: 1 },
    { a: 1 },
  ],
  ['a symbol in another place', enumOf(['A', 'B']), enumOf(['B', 'A']), 'B', 'B'],
  ['a new symbol as the default', enumOf(['A', 'B']), enumOf(['A'], { default: 'A' }), 'B', 'A'],
  ['a decimal of more digits', decimal(4, 2), decimal(8, 2), '1.25', '1.25'],
  ['a long as a time', 'long', { type: 'long', logicalType: 'timestamp-millis' }, 5n, new Date(5)],
  ['a time as a long', { type: 'long', logicalType: 'timestamp-millis' }, 'long', new Date(5), 5n],
  ['a date in a union', ['null', { type: 'int', logicalType: 'date' }], { type: 'int', logicalType: 'date' }, '2026-11-22', '2026-11-22'],
];

const refused: readonly (readonly [string, AvroSchema, AvroSchema])[] = [
  ['text as a number', 'string', 'int'],
  ['a long as an int', 'long', 'int'],
  ['a double as a float', 'double', 'float'],
  ['a field without default that is not written', record([]), record([{ name: 'a', type: 'int' }])],
  ['a record of another name', record([], { name: 'X' }), record([])],
  ['a fixed of another size', { type: 'fixed', name: 'F', size: 2 }, { type: 'fixed', name: 'F', size: 3 }],
  ['a decimal of another scale', decimal(4, 2), decimal(4, 1)],
  ['milliseconds as microseconds', { type: 'long', logicalType: 'timestamp-millis' }, { type: 'long', logicalType: 'timestamp-micros' }],
  ['a union no branch of which can be read', ['string', 'bytes'], 'int'],
  ['a value that is no branch', 'string', ['null', 'int']],
];

describe('schema resolution', () => {
  it.each(read.map((row) => [row[0], row] as const))('reads %s', (_, [, writer, reader, value, expected]) => {
    expect(evolved(writer, reader, value)).toEqual(expected);
  });

  it.each(refused)('does not read %s', (_, writer, reader) => {
    expect(() => readerOf(compileSchema(writer, 'writer'), compileSchema(reader, 'reader'), bounds)).toThrow(Unreadable);
  });

  it('refuses the branch that cannot be read when it occurs', () => {
    expect(evolved(['null', 'int'], 'int', 1)).toBe(1);
    expect(() => evolved(['null', 'int'], 'int', null)).toThrow("a value that the reader's schema has a place for");
    expect(() => evolved(enumOf(['A', 'B']), enumOf(['A']), 'B')).toThrow('the enum has no default');
  });

  it('follows schemas that refer to themselves', () => {
    const tree = (extra: readonly object[]): AvroSchema =>
      record([{ name: 'v', type: 'int' }, { name: 'kids', type: { type: 'array', items: 'R' } }, ...extra]);
    const value = {
      v: 1,
      kids: [
        { v: 2, kids: [] },
        { v: 3, kids: [{ v: 4, kids: [] }] },
      ],
    };
    const got = evolved(tree([]), tree([{ name: 'w', type: 'int', default: 9 }]), value);
    expect(JSON.parse(JSON.stringify(got))).toEqual({
      v: 1,
      w: 9,
      kids: [
        { v: 2, w: 9, kids: [] },
        { v: 3, w: 9, kids: [{ v: 4, w: 9, kids: [] }] },
      ],
    });
  });

  it('bounds what it skips, too', () => {
    const writer = record([{ name: 'a', type: { type: 'array', items: 'null' } }]);
    const [from, to] = [compileSchema(writer, 'writer'), compileSchema(record([]), 'reader')];
    const decode = readerOf(from, to, bounds);
    expect(() => decode(Buffer.from('feffffffffffffff7f00', 'hex'))).toThrow('fewer items');
    expect(inspect(decode(Buffer.from('0200', 'hex')))).toContain('{}');
  });
});

describe('records that refer to each other', () => {
  // B is found readable while A is taken for readable, which it is not
  const of = (bad: AvroSchema): AvroSchema => [
    {
      type: 'record',
      name: 'A',
      fields: [
        { name: 'b', type: { type: 'record', name: 'B', fields: [{ name: 'a', type: ['null', 'A'] }] } },
        { name: 'bad', type: bad },
      ],
    },
    'B',
  ];

  it('says of a record that cannot be read that it cannot, where another was read that refers to it', () => {
    expect(evolved(of('int'), of('string'), { B: { a: null } })).toEqual({ B: { a: null } });
    expect(() => evolved(of('int'), of('string'), { B: { a: { b: { a: null }, bad: 1 } } })).toThrow('A is no branch of the reader');
  });

  /** Records in unions in records. */
  const nested = (depth: number, leaf: AvroSchema, other: AvroSchema): AvroSchema =>
    depth === 0
      ? leaf
      : { type: 'record', name: `R${String(depth)}`, fields: [{ name: 'x', type: [other, nested(depth - 1, leaf, other)] }] };

  it('compares each pair once, however deep those that do not fit are', () => {
    const [from, to] = [compileSchema(nested(20, 'string', 'null'), 'writer'), compileSchema(nested(20, 'int', 'boolean'), 'reader')];
    const began = performance.now();
    expect(() => readerOf(from, to, bounds)).toThrow(Unreadable);
    expect(performance.now() - began).toBeLessThan(5_000); // twice as long for each level: minutes
  });

  it('ends where there is too much to compare', () => {
    const many = (type: AvroSchema): AvroSchema =>
      Array.from({ length: 300 }, (_, i) => ({ type: 'record', name: `R${String(i)}`, fields: [{ name: 'x', type }] }));
    const [from, to] = [compileSchema(many('string'), 'writer'), compileSchema(many('int'), 'reader')];
    expect(() => readerOf(from, to, bounds)).toThrow('expected schemas that are compared in 50000 steps');
  });
});
