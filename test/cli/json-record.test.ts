import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromJsonRecord, isJsonRecord, type PlacedRecord, toJsonRecord } from '../../src/cli/json-record.ts';

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
    const bytes = fc.option(fc.oneof(fc.uint8Array({ maxLength: 20 }), fc.string().map(utf8), fc.json().map(utf8)));
    const headers = fc.array(fc.tuple(fc.string(), bytes), { maxLength: 3 });
    fc.assert(
      fc.property(bytes, bytes, headers, (key, value, pairs) => {
        const line = toJsonRecord({ ...place, key, value, headers: pairs });
        expect(line).not.toMatch(/[\n\r]/);
        const back = fromJsonRecord(line);
        const hex = (one: Uint8Array | null): string | null => (one === null ? null : Buffer.from(one).toString('hex'));
        expect([hex(back.key), back.headers.map(([name, one]) => [name, hex(one)])]).toEqual([
          hex(key),
          pairs.map(([name, one]) => [name, hex(one)]),
        ]);
        // white space between the tokens of an object is not kept, nor how its numbers and escapes are spelt
        if (text(back.value) !== text(value)) expect(JSON.parse(text(back.value) ?? '')).toEqual(JSON.parse(text(value) ?? ''));
      }),
      { numRuns: 300 },
    );
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
