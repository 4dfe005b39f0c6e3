import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromJsonRecord, isJsonRecord, type PlacedRecord, type RawRecord, toJsonRecord } from '../../src/runtime/json-record.ts';

const place = { topic: 't', partition: 0, offset: 7n, timestampMs: 5 };
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (bytes: Uint8Array | null): string | null =>
  bytes === null ? null : new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
const record = (value: string | Uint8Array | null): PlacedRecord => ({
  ...place,
  key: null,
  value: typeof value === 'string' ? utf8(value) : value,
  headers: [],
});

describe('a record as a line of JSON', () => {
  it.each([
    ['text', record('hello'), '"value":"hello"'],
    ['an object, digit by digit', record('{"n":12345678901234567890}'), '"value":{"n":12345678901234567890}'],
    ['an object with a line break stays text', record('{\n}'), '"value":"{\\n}"'],
    ['a number stays text', record('12'), '"value":"12"'],
    ['half an object stays text', record('{"a":'), '"value":"{\\"a\\":"'],
    ['bytes', record(Uint8Array.of(255, 0)), '"valueBase64":"/wA="'],
    ['a tombstone', record(null), '"value":null'],
  ])('%s', (_, given, part) => {
    expect(toJsonRecord(given)).toContain(part);
  });

  it('comes back byte by byte', () => {
    const spaced = fc.json().map((one) => one.replaceAll(/([,:{}[\]])/g, ' $1\t').trim());
    const bytes = fc.option(fc.oneof(fc.uint8Array({ maxLength: 20 }), fc.string().map(utf8), fc.json().map(utf8), spaced.map(utf8)));
    const headers = fc.array(fc.tuple(fc.string(), bytes), { maxLength: 3 });
    fc.assert(
      fc.property(bytes, bytes, headers, (key, value, pairs) => {
        const line = toJsonRecord({ ...place, key, value, headers: pairs });
        expect(line).not.toMatch(/[\n\r]/);
        const back = fromJsonRecord(line);
        const hex = (one: Uint8Array | null): string | null => (one === null ? null : Buffer.from(one).toString('hex'));
        const all = (one: RawRecord) => [hex(one.key), hex(one.value), one.headers.map(([name, bytes_]) => [name, hex(bytes_)])];
        expect(all(back)).toEqual(all({ key, value, headers: pairs }));
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([
    '{"n":12345678901234567890}',
    '{"n":-0,"big":1e400,"small":1E-400,"exact":1.0,"long":0.1000000000000000055511151231257827}',
    '{"a":1,"a":2,"a":1}',
    '{"2":1,"1":2,"__proto__":{"x":1},"":0}',
    '{ "a" : [ 1 ,\t2 ] , "b":{ } }',
    '{"a":"\\ud800","b":"\\u00e9é\\/","c":"\\"}]{[\\\\"}',
    '{"a":1} ',
    ' {"a":1}',
    '{"a":\r\n1}',
    '{"a":"\u2028"}',
    '{"a":1}{',
    '[1,2',
    '[]',
    '{}',
    '\ufeff{"a":1}',
    '"text"',
    'null',
    '',
    '-0',
    '1e400',
    '\u0000',
    `${'['.repeat(5_000)}${']'.repeat(5_000)}`,
  ])('%j as a value comes back byte by byte, as a key, too', (given) => {
    for (const line of [toJsonRecord(record(given)), toJsonRecord({ ...record(null), key: utf8(given), value: utf8(given) })])
      expect(text(fromJsonRecord(line).value)).toBe(given);
    expect(text(fromJsonRecord(toJsonRecord({ ...record(null), key: utf8(given) })).key)).toBe(given);
  });

  it.each([
    ['of a name that is repeated, the last', '{"value":{"a":1},"value": [ 1.0 ] }', '[ 1.0 ]'],
    ['a name that is escaped', '{"val\\u0075e" : {"n":1e2}}', '{"n":1e2}'],
    ['a value that looks like a member', '{"key":"\\"value\\":{}","value":{"b":-0}}', '{"b":-0}'],
    ['white space around', ' \t{ "value"\t:\t-0 , "headers" : [ ] }', '-0'],
    ['a truth', '{"value":true}', 'true'],
  ])('takes %s, as it is written', (_, line, expected) => {
    expect(text(fromJsonRecord(line).value)).toBe(expected);
  });

  it('keeps numbers that JavaScript would round', () => {
    expect(text(fromJsonRecord('{"value":{"n":12345678901234567890,"f":1.0}}').value)).toBe('{"n":12345678901234567890,"f":1.0}');
  });

  it.each([
    ['{"valeu":1}', /unknown field "valeu", did you mean value\?/],
    ['{"key":"a"}', /no value/],
    ['[1]', /not a JSON object/],
    ['secret', /^not JSON$/],
    ['{"value":1,"valueBase64":""}', /exclude each other/],
    ['{"valueBase64":"?"}', /valueBase64 must be base64/],
    ['{"value":1,"headers":[1]}', /each header must be a pair/],
    ['{"value":1,"timestampMs":-1}', /timestampMs must be/],
  ])('refuses %s', (line, message) => {
    expect(() => fromJsonRecord(line)).toThrow(message);
  });

  it.each([
    ['{"value":1}', true],
    ['{"key":"a","value":{}}', true],
    ['{"value":1,"unit":"s"}', false],
    ['{"key":"a"}', false],
    ['"value"', false],
    ['{', false],
  ])('%s is meant as a record: %s', (line, expected) => {
    expect(isJsonRecord(line)).toBe(expected);
  });
});
