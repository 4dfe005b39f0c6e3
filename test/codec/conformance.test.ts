import { type } from 'arktype';
import fc from 'fast-check';
import * as v from 'valibot';
import { z } from 'zod';
import { avro } from '../../src/codec/avro/avro.ts';
import { bytes } from '../../src/codec/bytes.ts';
import { either } from '../../src/codec/either.ts';
import { json } from '../../src/codec/json.ts';
import { jsonSchema } from '../../src/codec/json-schema/json-schema.ts';
import { memoryRegistry } from '../../src/codec/memory-registry.ts';
import { nullable } from '../../src/codec/nullable.ts';
import { text } from '../../src/codec/text.ts';
import { describeCodec } from '../conformance/describe-codec.ts';
import { knownNumbers } from '../helpers/known-codec.ts';

const wellFormed = fc.string({ unit: 'binary' });
// what JSON cannot tell apart, or json() refuses, is tested by hand
const anyJson = fc
  .jsonValue({ noUnicodeString: false })
  .filter((value) => !JSON.stringify(value).includes('"__proto__"') && !/-0\b/.test(fc.stringify(value)));
const reviews = fc.record({ text: wellFormed, stars: fc.integer({ min: 1, max: 5 }) });
const cycle: Record<string, unknown> = {};
cycle['self'] = cycle;
const notJson = [
  undefined,
  1n,
  Number.NaN,
  { a: [Number.POSITIVE_INFINITY] },
  cycle,
  () => 1,
  Symbol('s'),
  new Map(),
  { at: new Date(Number.NaN) },
  [undefined],
];
const notReviews = [...notJson, {}, { text: 'x', stars: 6 }, null, 'x'];

describeCodec('bytes', {
  make: bytes,
  aliases: true, // as its page says: nothing is copied
  values: fc.option(fc.uint8Array()),
  nullBytes: 'null',
  unencodable: ['x', undefined, [1], new ArrayBuffer(1)],
});
describeCodec('text', { make: text, values: wellFormed, nullBytes: 'refused', unencodable: [null, undefined, 1, '\ud800', 'a\udc00b'] });
describeCodec('text or null', {
  make: () => text({ orNull: true }),
  values: fc.option(wellFormed),
  nullBytes: 'null',
  unencodable: [undefined, 1, '\ud800'],
});
describeCodec('nullable text', {
  make: () => nullable(text()),
  values: fc.option(wellFormed),
  nullBytes: 'null',
  unencodable: [undefined, 1, '\ud800'],
});
describeCodec('avro', {
  make: () =>
    avro({
      type: 'record',
      name: 'Review',
      fields: [
        { name: 'text', type: 'string' },
        { name: 'stars', type: ['null', 'int'] },
      ],
    }),
  values: fc.record({ text: wellFormed, stars: fc.option(fc.integer()) }),
  nullBytes: 'refused',
  unencodable: [undefined, null, 1, {}, { text: 'x', stars: 'x' }, { text: 1, stars: 1 }, { text: '\ud800', stars: null }],
});
describeCodec('json', { make: json, values: anyJson, nullBytes: 'refused', unencodable: notJson });
describeCodec('json, zod', {
  make: () => json(z.object({ text: z.string(), stars: z.int().min(1).max(5) })),
  values: reviews,
  nullBytes: 'refused',
  unencodable: notReviews,
});
describeCodec('json, valibot', {
  make: () => json(v.object({ text: v.string(), stars: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(5)) })),
  values: reviews,
  nullBytes: 'refused',
  unencodable: notReviews,
});
describeCodec('json, arktype', {
  make: () => json(type({ text: 'string', stars: '1 <= number.integer <= 5' })),
  values: reviews,
  nullBytes: 'refused',
  unencodable: notReviews,
});
describeCodec('nullable json, zod', {
  make: () => nullable(json(z.object({ text: z.string(), stars: z.int() }))),
  values: fc.option(reviews),
  nullBytes: 'null',
  unencodable: [undefined, {}],
});

const numbers = avro({ type: 'record', name: 'N', fields: [{ name: 'n', type: 'int' }] });
describeCodec('either json or avro', {
  make: () => either(json(z.object({ text: z.string() })), numbers),
  values: fc.record({ text: wellFormed }),
  nullBytes: 'refused',
  unencodable: [undefined, null, 1n, {}, { n: 1 }],
});
describeCodec('either json or avro, written in the other form', {
  make: () => either(json(z.object({ text: z.string() })), numbers, { write: 'second' }),
  values: fc.record({ n: fc.integer() }),
  nullBytes: 'refused',
  unencodable: [undefined, null, 1n, {}, { text: 'x' }],
});
describeCodec('nullable either', {
  make: () => nullable(either(json(z.object({ text: z.string() })), numbers)),
  values: fc.option(fc.record({ text: wellFormed })),
  nullBytes: 'null',
  unencodable: [undefined, 1n],
});
describeCodec('opened', {
  make: () => nullable(knownNumbers([1]).codec()),
  values: fc.option(wellFormed.map((said) => `1:${said.replaceAll(':', '')}`)),
  nullBytes: 'null',
  unencodable: [undefined, 1, {}, 'x', '1:\ud800'],
});

describeCodec('avro, bytes and maps', {
  make: () =>
    avro({
      type: 'record',
      name: 'Parts',
      fields: [
        { name: 'raw', type: 'bytes' },
        { name: 'id', type: { type: 'fixed', name: 'Id', size: 4 } },
        { name: 'by', type: { type: 'map', values: { type: 'array', items: 'long' } } },
      ],
    }),
  values: fc.record({
    raw: fc.uint8Array().map((raw) => Buffer.from(raw)),
    id: fc.uint8Array({ minLength: 4, maxLength: 4 }).map((id) => Buffer.from(id)),
    by: fc.dictionary(
      wellFormed.filter((name) => name !== '__proto__'),
      fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
      { noNullPrototype: true },
    ),
  }),
  nullBytes: 'refused',
  unencodable: [undefined, null, {}, { raw: 'x', id: new Uint8Array(4), by: {} }, { raw: new Uint8Array(), id: new Uint8Array(5), by: {} }],
});

const registry = memoryRegistry(); // one for all: what is the same schema has the same id
const reviewSchema = {
  type: 'record',
  name: 'Review',
  fields: [
    { name: 'text', type: 'string' },
    { name: 'stars', type: ['null', 'int'] },
  ],
} as const;
const reviewJson = {
  type: 'object',
  properties: { text: { type: 'string' }, stars: { type: 'integer', minimum: 1, maximum: 5 } },
  required: ['text', 'stars'],
} as const;
describeCodec('avro, framed', {
  make: () => avro({ registry, schema: reviewSchema, subject: 'avro' }),
  values: fc.record({ text: wellFormed, stars: fc.option(fc.integer()) }),
  nullBytes: 'refused',
  unencodable: [undefined, null, 1, {}, { text: 'x', stars: 'x' }, { text: '\ud800', stars: null }],
});
describeCodec('jsonSchema', {
  make: () => jsonSchema({ schema: reviewJson }),
  values: reviews,
  nullBytes: 'refused',
  unencodable: notReviews,
});
describeCodec('jsonSchema, framed', {
  make: () => jsonSchema({ registry, schema: reviewJson, subject: 'json' }),
  values: reviews,
  nullBytes: 'refused',
  unencodable: notReviews,
});
describeCodec('either framed avro or json, in migration', {
  make: () => either(avro({ registry, schema: reviewSchema, subject: 'avro' }), json(z.object({ text: z.string() }))),
  values: fc.record({ text: wellFormed, stars: fc.option(fc.integer()) }),
  nullBytes: 'refused',
  unencodable: [undefined, null, 1, { text: 'x' }],
});
