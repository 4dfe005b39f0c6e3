import { describe, expect, it } from 'vitest';
import { avro } from '../../../src/codec/avro/avro.ts';
import type { AvroSchema } from '../../../src/codec/avro/avro-schema.ts';
import { compileSchema } from '../../../src/codec/avro/compile-schema.ts';
import { isSameType } from '../../../src/codec/avro/same-type.ts';
import { OptionError } from '../../../src/errors.ts';

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
