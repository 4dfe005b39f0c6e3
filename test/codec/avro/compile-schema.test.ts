import { describe, expect, it } from 'vitest';
import { avro } from '../../../src/codec/avro/avro.ts';
import type { AvroSchema } from '../../../src/codec/avro/avro-schema.ts';
import { compileSchema, compileWriter } from '../../../src/codec/avro/compile-schema.ts';
import { encode, readerOf } from '../../../src/codec/avro/read-write.ts';
import { isSameType } from '../../../src/codec/avro/same-type.ts';
import { CodecError, OptionError } from '../../../src/errors.ts';

const record = (...fields: readonly object[]): AvroSchema => ({ type: 'record', name: 'R', fields: fields as never });
const there = (schema: AvroSchema, value: unknown): unknown => {
  const codec = avro(schema);
  return JSON.parse(
    JSON.stringify(codec.decode(codec.encode(value)), (_, one: unknown) => (typeof one === 'bigint' ? `${String(one)}n` : one)),
  );
};

describe('names that objects have, too', () => {
  const names = ['toString', 'constructor', 'hasOwnProperty', 'valueOf'];

  it.each(names)('%s is a symbol, a type, a branch and a field', (name) => {
    const symbols = [...names, 'A'];
    expect(there({ type: 'enum', name, symbols, default: name }, name)).toBe(name);
    const type: AvroSchema = { type: 'record', name, fields: [{ name, type: ['null', name, { type: 'map', values: 'int' }] }] };
    expect(there(type, { [name]: { [name]: { [name]: null } } })).toEqual({ [name]: { [name]: { [name]: null } } });
    expect(() => avro(['int', 'double']).encode({ [name]: 1 } as never)).toThrow(/expected a branch of its union/);
    expect(() => avro({ type: 'enum', name: 'E', symbols: ['A'] }).encode(name as never)).toThrow(/expected E, got a string/);
  });
});

describe('defaults', () => {
  it('of a long are exact beyond 2^53', () => {
    const schema = record(
      { name: 'a', type: 'long', default: 9_007_199_254_740_993n },
      { name: 'b', type: ['long', 'null'], default: -(2n ** 63n) },
    );
    expect(there(schema, {})).toEqual({ a: '9007199254740993n', b: '-9223372036854775808n' });
    expect(() => avro(record({ name: 'a', type: 'long', default: 2 ** 60 }))).toThrow(/beyond 2\^53 a bigint: 9007199254740993n/);
    expect(() => avro(record({ name: 'a', type: 'long', default: 2n ** 63n }))).toThrow(OptionError);
  });

  it('of a double may have many digits', () => {
    expect(there(record({ name: 'a', type: 'double', default: 10n ** 20n }), {})).toEqual({ a: 1e20 });
  });

  it("of a uuid may be '', which is no uuid elsewhere", () => {
    const uuid = { type: 'string', logicalType: 'uuid' };
    const schema = record({ name: 'a', type: uuid, default: '' }, { name: 'b', type: [uuid, 'null'], default: '' });
    expect(there(schema, {})).toEqual({ a: '', b: '' });
    expect(() => avro(schema).encode({ a: 'x' })).toThrow(/expected uuid/);
    expect(() => avro(record({ name: 'a', type: uuid })).encode({ a: '' })).toThrow(/expected uuid/);
    expect(isSameType(compileSchema(schema, 'one'), compileSchema(schema, 'other'))).toBe(true);
  });
});

describe('what Java takes', () => {
  it.each<readonly [name: string, type: unknown, byDefault: unknown, decoded: unknown]>([
    ['a default of any branch', ['null', 'string'], 'x', 'x'],
    ['a default of a later branch of a wrapped union', ['int', 'double', 'string'], 1.5, { double: 1.5 }],
    ['the first branch that can have it', ['bytes', 'string', 'int', 'double'], 3, { int: 3 }],
    ['a default of a list within a union', ['null', { type: 'array', items: ['long', 'null'] }], [1, null], ['1n', null]],
    ['no record for a text', [{ type: 'record', name: 'I', fields: [{ name: 'x', type: 'int', default: 1 }] }, 'string'], 'x', 'x'],
    ['a time that is none', { type: 'int', logicalType: 'time-millis' }, -1, -1],
    ['a time that is none, of a union', ['null', { type: 'long', logicalType: 'time-micros' }], -1, '-1n'],
  ])('%s', (_, type, byDefault, decoded) => {
    expect(there(record({ name: 'a', type, default: byDefault }), {})).toEqual({ a: decoded });
  });

  it('is not any default', () => {
    expect(() => avro(record({ name: 'a', type: ['null', 'int'], default: 'x' }))).toThrow(/incompatible field default "x"/);
    expect(() => avro(record({ name: 'a', type: { type: 'int', logicalType: 'time-millis' }, default: 0 })).encode({ a: -1 })).toThrow(
      CodecError,
    );
  });

  it('a name as the type of a type', () => {
    const fixed = { type: 'fixed', name: 'F', size: 1, namespace: 'x' };
    const schema = record({ name: 'a', type: fixed }, { name: 'b', type: { type: 'x.F' } }, { name: 'c', type: ['null', { type: 'x.F' }] });
    const codec = avro(schema);
    expect(codec.encode({ a: Buffer.from('a'), b: Buffer.from('b'), c: null })).toEqual(Buffer.from('ab\0'));
    expect(() => avro(record({ name: 'a', type: { type: 'strin' } }))).toThrow(/undefined type name: strin/);
  });
});

describe('the schema of a writer', () => {
  it('may have defaults and aliases that are none', () => {
    const inner = { type: 'record', name: 'I', aliases: ['a-b.c'], fields: [{ name: 'default', type: 'int', default: '' }] };
    const schema = record({ name: 'a', type: ['null', { type: 'array', items: inner }], default: 'null' });
    expect(() => compileSchema(schema, 'it')).toThrow(OptionError);
    const type = compileWriter(schema, 'it');
    const read = readerOf(
      type,
      compileSchema(
        record({ name: 'b', aliases: ['a'], type: ['null', { type: 'array', items: { ...inner, aliases: [], fields: [] } }] }),
        'reader',
      ),
      {
        maxBytes: 100,
        maxItems: 10,
      },
    );
    expect(read(encode(type, { a: [{ default: 7 }] }, { maxBytes: 100, maxItems: 10 }))).toEqual({ b: [{}] });
  });

  it('is told as it is, where that does not help', () => {
    expect(() => compileWriter(record({ name: 'a', type: 'int', default: 'x' }, { name: 'b', type: 'strin' }), 'it')).toThrow(
      /^it is no Avro schema: incompatible field default "x"/,
    );
  });
});

describe('what is no schema', () => {
  it.each<readonly [unknown, RegExp]>([
    [undefined, /^the schema of avro\(\) must be an Avro schema, such as \{ type: 'record', name, fields \} or 'string', got undefined$/],
    [null, /got null/],
    [7, /got 7/],
    ['{"type":"string"}', /is JSON text: give what JSON\.parse makes of it/],
    [' ["null"]', /is JSON text/],
    [{ schema: 'string' }, /avro\(\{ schema, … \}\) needs a registry; without one it is avro\(schema\)/],
    [[], /at least one branch/],
    [['null', 'int', 'null'], /each branch of a union once, got null twice/],
    [['null', ['int']], /no union as a branch of a union/],
    [{ type: 'record', name: 'a-b', fields: [] }, /expected names and namespaces of ASCII letters, digits and _, no digit first, got a-b$/],
    [{ type: 'record', name: 'B', namespace: 'my-shop', fields: [] }, /got my-shop\.B$/],
    [{ type: 'record', name: 'C', fields: [{ name: 'x-y', type: 'int' }] }, /names and namespaces .* got x-y$/],
    [{ type: 'enum', name: 'E', symbols: [] }, /the symbols of an enum, a list of at least one/],
    [{ type: 'enum', name: 'E', symbols: ['A', 'A'] }, /each symbol of an enum once/],
    [{ type: 'enum', name: 'E', symbols: ['A-B'] }, /of letters, digits and _ in an enum/],
    [{ type: 'enum', name: 'E', symbols: ['A'], default: 'toString' }, /one of its symbols as the default/],
    [{ type: 'record', name: '__proto__', fields: [] }, /replaces prototypes/],
  ])('%j', (given, message) => {
    const make = (): unknown => avro(given as AvroSchema);
    expect(make).toThrow(OptionError);
    expect(make).toThrow(message);
  });
});

it('an enum may have 200,000 symbols', () => {
  const symbols = Array.from({ length: 200_000 }, (_, i) => `S${String(i)}`);
  expect(avro({ type: 'enum', name: 'E', symbols }).encode('S199999')).toEqual(Buffer.of(0xfe, 0xb4, 0x18));
});
