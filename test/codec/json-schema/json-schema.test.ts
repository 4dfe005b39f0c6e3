import { describe, expect, expectTypeOf, it } from 'vitest';
import type { Codec, CodecUse } from '../../../src/codec/codec.ts';
import { jsonSchema } from '../../../src/codec/json-schema/json-schema.ts';
import { subjectSchema } from '../../../src/codec/json-schema/subject-schema.ts';
import { memoryRegistry } from '../../../src/codec/memory-registry.ts';
import { CodecError, messageOf } from '../../../src/errors.ts';
import { virtualClock } from '../../../src/virtual-clock.ts';
import { failureOf } from '../../helpers/failure-of.ts';

const review = {
  title: 'Review',
  type: 'object',
  properties: { stars: { type: 'integer', maximum: 5 }, at: { type: 'string', format: 'date-time' } },
  required: ['stars'],
};
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const framed = (id: number, text: string): Uint8Array => Uint8Array.of(0, 0, 0, 0, id, ...bytes(text));
const use = (direction: 'in' | 'out'): CodecUse => ({
  topic: 'reviews',
  part: 'value',
  direction,
  clock: virtualClock(),
  signal: new AbortController().signal,
  log: () => undefined,
});

function refusal(work: () => unknown): CodecError {
  try {
    work();
  } catch (error) {
    if (error instanceof CodecError) return error;
    throw new Error(`expected a CodecError, got ${messageOf(error)}`);
  }
  throw new Error('expected a CodecError, got none');
}

async function opened(codec: Codec<unknown>, direction: 'in' | 'out') {
  if (!codec.open) throw new Error('expected a codec that is opened');
  return codec.open(use(direction));
}

describe('jsonSchema without a registry', () => {
  it('checks plain JSON in both directions', () => {
    const codec = jsonSchema<{ stars: number }>({ schema: review });
    expectTypeOf(codec).toEqualTypeOf<Codec<{ stars: number }>>();
    expect(codec.decode(bytes('{"stars":5}'))).toEqual({ stars: 5 });
    expect(codec.encode({ stars: 1 })).toEqual(Buffer.from('{"stars":1}'));
    expect(refusal(() => codec.decode(bytes('{"stars":6}'))).message).toBe(
      'expected JSON that fits the schema, but it does not at $.stars',
    );
    expect(refusal(() => codec.decode(bytes('{}'))).message).toContain('$.stars');
    expect(refusal(() => codec.encode({ stars: 1.5 })).code).toBe('schema_violation');
    expect(refusal(() => codec.decode(bytes('{"stars":1,"at":"now"}'))).message).toContain('$.at');
    expect(refusal(() => codec.decode(null)).code).toBe('unexpected_tombstone');
  });

  it.each([
    ['draft-06', 'http://json-schema.org/draft-06/schema#', { exclusiveMinimum: 1 }],
    ['draft-07', 'http://json-schema.org/draft-07/schema#', { if: { const: 1 }, then: false }],
    ['2019-09', 'https://json-schema.org/draft/2019-09/schema', { $defs: { one: { const: 1 } }, not: { $ref: '#/$defs/one' } }],
    ['2020-12', 'https://json-schema.org/draft/2020-12/schema', { $defs: { more: { $anchor: 'more', minimum: 2 } }, $ref: '#more' }],
  ])('reads %s', (_, $schema, rest) => {
    const codec = jsonSchema({ schema: { $schema, ...rest } });
    expect(codec.decode(bytes('2'))).toBe(2);
    expect(refusal(() => codec.decode(bytes('1'))).code).toBe('schema_violation');
  });

  it.each<[string, unknown, RegExp]>([
    ['nothing', {}, /needs a schema, or a registry/],
    [
      'a draft that is not read',
      { schema: { $schema: 'http://json-schema.org/draft-04/schema#' } },
      /none of draft-06, draft-07, 2019-09 and 2020-12/,
    ],
    ['a schema that is none', { schema: { type: 'text' } }, /jsonSchema.schema is no JSON Schema that is read here/],
    ['what is not there', { schema: { $ref: 'http://elsewhere.example/x.json' } }, /can't resolve reference/],
    ['a pattern that is none', { schema: { pattern: '(' } }, /Invalid regular expression/],
    ['a subject without a registry', { schema: {}, subject: 'x' }, /give jsonSchema.registry, too/],
    ['a bound out of range', { schema: {}, registry: memoryRegistry(), maxBytes: 0 }, /maxBytes must be an integer >= 1/],
  ])('refuses %s', (_, options, message) => {
    expect(() => jsonSchema(options as never)).toThrow(message);
  });

  it('has no properties but its own', () => {
    expect(refusal(() => jsonSchema({ schema: { required: ['toString'] } }).decode(bytes('{}'))).code).toBe('schema_violation');
  });

  it('takes patterns of other languages, and matches long text with simple ones', () => {
    const codec = jsonSchema({ schema: { pattern: '^[\\w\\-]+$' } });
    expect(codec.decode(bytes(`"${'a-'.repeat(50_000)}"`))).toHaveLength(100_000);
    expect(refusal(() => codec.decode(bytes('"a b"'))).code).toBe('schema_violation');
  });
});

describe('hostile values against a schema', () => {
  const node = (type: string): object => ({
    properties: { in: { anyOf: [{ $ref: '#/$defs/a' }, { $ref: '#/$defs/b' }] }, leaf: { type } },
  });
  const deep = `${'{"in":'.repeat(40)}{"leaf":null}${'}'.repeat(40)}`;

  it.each<[string, object, string, RegExp]>([
    ['a pattern that backtracks', { pattern: '^(a+)+$' }, `"${'a'.repeat(60)}!"`, /checked within 80 ms/],
    ['a simple pattern and a long text', { pattern: 'a*b' }, `"${'a'.repeat(1_000_000)}"`, /checked within 80 ms/],
    ['many optional parts', { pattern: `^${'a?'.repeat(30)}${'a'.repeat(30)}$` }, `"${'a'.repeat(29)}"`, /checked within 80 ms|at \$/],
    ['choices within choices', { $defs: { a: node('string'), b: node('number') }, $ref: '#/$defs/a' }, deep, /checked within 80 ms/],
    ['13,000 items that must differ', { uniqueItems: true }, `[${'{"a":[1]},'.repeat(12_999)}{"a":[1]}]`, /does not at \$/],
  ])('%s', (_, schema, text, message) => {
    const codec = jsonSchema({ schema: { $schema: 'https://json-schema.org/draft/2020-12/schema', ...schema } });
    codec.decode(bytes('null')); // what is loaded and compiled once
    const before = performance.now();
    expect(refusal(() => codec.decode(bytes(text))).message).toMatch(message);
    expect(performance.now() - before).toBeLessThan(1_000); // 100 ms on a quiet machine
    expect(codec.decode(bytes('null'))).toBeNull();
  });
});

describe('jsonSchema with a registry', () => {
  it('registers, frames, and reads what others wrote by their schemas', async () => {
    const registry = memoryRegistry();
    const out = await opened(jsonSchema({ registry, schema: review }), 'out');
    expect(out.encode({ stars: 1 })).toEqual(Buffer.from(framed(1, '{"stars":1}')));
    expect(await registry.bySubject('reviews-value', 1)).toMatchObject({ schemaType: 'JSON', id: 1 });
    const read = await opened(jsonSchema({ registry }), 'in');
    await read.pending?.(framed(1, '{}'));
    expect(read.decode(framed(1, '{"stars":2}'))).toEqual({ stars: 2 });
    expect(refusal(() => read.decode(framed(1, '{}'))).message).toBe(
      'expected JSON that fits the schema, but it does not at $.stars, written with schema 1',
    );
  });

  it('reads all as the latest of a subject, without asking for what they were written with', async () => {
    const registry = memoryRegistry();
    await registry.register('reviews-value', { schema: JSON.stringify(review), schemaType: 'JSON' });
    const read = await opened(jsonSchema({ registry, subject: 'reviews-value' }), 'in');
    expect(read.pending?.(framed(9, '{}'))).toBeUndefined();
    expect(read.decode(framed(9, '{"stars":2}'))).toEqual({ stars: 2 });
    expect(refusal(() => read.decode(framed(9, '{}'))).message).toContain(
      'written with schema 9, read as schema 1 (version 1 of reviews-value)',
    );
    const out = await opened(jsonSchema({ registry }), 'out');
    expect(refusal(() => out.encode({})).code).toBe('schema_violation');
  });

  it('is told the title of a schema by its strategy, and takes schemas that others refer to', async () => {
    const registry = memoryRegistry();
    await registry.register('Stars', { schema: '{"type":"integer","maximum":5}', schemaType: 'JSON' });
    const references = [{ name: 'stars.json', subject: 'Stars', version: 1 }];
    const schema = { title: 'Review', properties: { stars: { $ref: 'stars.json' } } };
    const out = await opened(jsonSchema({ registry, schema, references, strategy: 'record' }), 'out');
    expect(refusal(() => out.encode({ stars: 6 })).message).toContain('$.stars');
    const { id } = await registry.bySubject('Review', 1);
    const read = await opened(jsonSchema({ registry }), 'in');
    await read.pending?.(framed(id, ''));
    expect(refusal(() => read.decode(framed(id, '{"stars":6}'))).message).toContain('$.stars');
  });

  it('refuses schemas of another kind', async () => {
    const registry = memoryRegistry();
    await registry.register('x', { schema: '"string"' });
    const read = await opened(jsonSchema({ registry }), 'in');
    await expect(read.pending?.(framed(1, '1'))).rejects.toMatchObject({
      message: 'expected a JSON Schema, schema 1 of the registry is of type AVRO',
    });
    expect((await failureOf(opened(jsonSchema({ registry, subject: 'x' }), 'in'))).code).toBe('schema_violation');
  });
});

it('gives the schema of a subject to whoever takes schemas', async () => {
  const registry = memoryRegistry();
  await registry.register('reviews-value', { schema: JSON.stringify(review), schemaType: 'JSON' });
  const { value } = await subjectSchema<{ stars: number }>({ registry, subject: 'reviews-value' }).open(use('in'));
  expect(value['~standard'].validate({ stars: 1 })).toEqual({ value: { stars: 1 } });
  expect(value['~standard'].validate({ stars: 6 })).toEqual({ issues: [{ path: ['stars'], message: 'must be <= 5' }] });
  expect(value['~standard'].jsonSchema.input()).toEqual(review);
});
