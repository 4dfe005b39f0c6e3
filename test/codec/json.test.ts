import { type } from 'arktype';
import * as v from 'valibot';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import type { Codec } from '../../src/codec/codec.ts';
import { json } from '../../src/codec/json.ts';
import { OptionError } from '../../src/errors.ts';
import { codecErrorOf, printed } from '../helpers/codec-error.ts';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array | null): string => new TextDecoder().decode(bytes ?? new Uint8Array());

const Person = z.object({ name: z.string(), pets: z.array(z.object({ age: z.number() })) });

describe('json: types', () => {
  it('has the type of the schema’s output in both directions', () => {
    expectTypeOf(json(Person)).toEqualTypeOf<Codec<{ name: string; pets: { age: number }[] }>>();
    expectTypeOf(json(z.string().transform((text) => text.length))).toEqualTypeOf<Codec<number>>();
    expectTypeOf(json(v.object({ a: v.string() }))).toEqualTypeOf<Codec<{ a: string }>>();
    expectTypeOf(json(type({ a: 'string' }))).toEqualTypeOf<Codec<{ a: string }>>();
    expectTypeOf(json()).toEqualTypeOf<Codec<unknown>>();
  });
});

describe('json: decoding', () => {
  it.each([
    ['', 0],
    ['{', 1],
    ['{"secret": hunter2}', 11],
    ['{"secret":"hunter2"', 19],
    ['[1,]', 3],
    ['["hunter2" "x"]', 11],
    ['{"a" 1}', 5],
    ['{"a":1}}', 7],
    ['01', 1],
    ['"hunter2\n"', 8],
    ['"\\x"', 1],
    ['tru', 0],
    ["{'a':1}", 1],
    ['{,}', 1],
    ['[}', 1],
    ['NaN', 0],
  ])('refuses %j at character %i, and never quotes it', (text, at) => {
    const error = codecErrorOf(() => json().decode(utf8(text)));
    expect(error.code).toBe('decode_failed');
    expect(error.message).toContain(`at character ${String(at)} of ${String(text.length)}`);
    expect(printed(error)).not.toMatch(/hunter2|secret/);
  });

  it('lists the paths of what does not fit, bounded, and no values', () => {
    const error = codecErrorOf(() => json(Person).decode(utf8('{"name":7,"pets":[{"age":"hunter2"}]}')));
    expect(error.code).toBe('schema_violation');
    expect(error.message).toContain('$.name; $.pets[0].age');
    const pets = Array.from({ length: 10_000 }, () => ({ age: 'hunter2' }));
    const many = codecErrorOf(() => json(Person).decode(utf8(JSON.stringify({ name: 'x', pets }))));
    expect(many.message.length).toBeLessThan(400);
    expect(many.message).toMatch(/10000 issues/);
    expect(printed(error) + printed(many)).not.toContain('hunter2');
  });

  it.each([
    ['valibot', json(v.object({ a: v.picklist(['x']) }))],
    ['arktype', json(type({ a: "'x'" }))],
  ])('keeps values out of the messages of %s', (_, codec) => {
    const error = codecErrorOf(() => codec.decode(utf8('{"a":"hunter2"}')));
    expect(error.code).toBe('schema_violation');
    expect(error.message).toContain('$.a');
    expect(printed(error)).not.toContain('hunter2');
  });

  it('refuses bytes that are not UTF-8, and lets a byte order mark pass', () => {
    expect(codecErrorOf(() => json().decode(Uint8Array.of(0x22, 0xff, 0x22))).code).toBe('decode_failed');
    expect(codecErrorOf(() => json().decode(Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22))).code).toBe('decode_failed');
    expect(json().decode(utf8('\uFEFF{"a":1}'))).toEqual({ a: 1 });
  });

  it.each(['{"__proto__":{"admin":true}}', '{"a":[{"b":{"__proto__" : 1}}]}', '{"\\u005f_proto\\u005F\\u005f":{"admin":true}}'])(
    'refuses the key in %s',
    (text) => {
      expect(codecErrorOf(() => json().decode(utf8(text))).message).toContain('__proto__');
      expect(({} as { admin?: boolean }).admin).toBeUndefined();
    },
  );

  it('takes what only looks like that key', () => {
    for (const value of [{ a: '"__proto__":' }, { 'a"__proto__': 1 }, ['__proto__'], { a: '__proto__' }]) {
      const codec = json();
      expect(codec.decode(codec.encode(value))).toEqual(value);
    }
  });

  interface Nested {
    readonly n?: Nested | undefined;
  }
  const zodDeep: z.ZodType<Nested> = z.lazy(() => z.object({ n: zodDeep.optional() }));
  const valibotDeep: v.GenericSchema<Nested> = v.lazy(() => v.object({ n: v.optional(valibotDeep) }));
  const depth = 100_000;
  const deep = utf8(`${'{"n":'.repeat(depth)}{}${'}'.repeat(depth)}`);

  it.each([
    ['no schema, by default', json(), ['decode_failed']],
    ['no schema', json(undefined, { maxDepth: 200_000, maxItems: 200_000 }), undefined],
    ['zod', json(zodDeep, { maxDepth: 200_000, maxItems: 200_000 }), ['decode_failed', 'schema_violation']],
    ['valibot', json(valibotDeep, { maxDepth: 200_000, maxItems: 200_000 }), ['decode_failed']],
  ])('a value of depth 100,000 is decoded or refused, and ends nothing: %s', (_, codec, codes) => {
    if (codes === undefined) expect(codec.decode(deep)).toHaveProperty('n');
    else expect(codes).toContain(codecErrorOf(() => codec.decode(deep)).code);
  });

  it('finds a key __proto__ at depth 100,000', () => {
    const hidden = utf8(`${'{"n":'.repeat(depth)}{"__proto__":1}${'}'.repeat(depth)}`);
    const codec = json(undefined, { maxDepth: 200_000, maxItems: 200_000 });
    expect(codecErrorOf(() => codec.decode(hidden)).message).toContain('__proto__');
  });

  const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
  const listed = (items: number): string => `[${'0,'.repeat(items - 1)}0]`;
  it.each([
    ['maxDepth', 1_000, nested(1_000), nested(1_001)],
    ['maxItems', 40_000, listed(40_000), listed(40_001)],
    ['maxBytes', 8 * 1024 * 1024, `"${'x'.repeat(8 * 1024 * 1024 - 2)}"`, `"${'x'.repeat(8 * 1024 * 1024 - 1)}"`],
  ])('takes as much as %s = %i lets pass by default, and no more, in both directions', (option, most, fits, passes) => {
    expect(textOf(json().encode(json().decode(utf8(fits)))) === fits).toBe(true);
    const free = json(undefined, { [option]: most + 1 });
    const value = free.decode(utf8(passes));
    const told = new RegExp(`at most ${String(most)} .* raise ${option}`);
    expect(codecErrorOf(() => json().decode(utf8(passes)))).toMatchObject({
      code: 'decode_failed',
      message: expect.stringMatching(told) as string,
    });
    expect(codecErrorOf(() => json().encode(value))).toMatchObject({
      code: 'encode_failed',
      message: expect.stringMatching(told) as string,
    });
  });

  it.each([{ maxDepth: 0 }, { maxItems: 0.5 }, { maxBytes: Number.NaN }, { maxdepth: 1 }])('takes no options %o', (options) => {
    expect(() => json(undefined, options as object)).toThrow(OptionError);
  });

  it.each([
    ['an asynchronous schema', json(z.string().refine(async () => Promise.resolve(true)))],
    [
      'a zod check that throws',
      json(
        z.string().refine(() => {
          throw new Error('hunter2');
        }),
      ),
    ],
    [
      'a valibot check that throws',
      json(
        v.pipe(
          v.string(),
          v.check(() => {
            throw new Error('own words');
          }),
        ),
      ),
    ],
  ])('%s is a fault of the record, in words', (_, codec) => {
    const error = codecErrorOf(() => codec.decode(utf8('"x"')));
    expect(error.code).toBe('schema_violation');
    expect(error.message).toMatch(/synchronous|threw/);
    expect(error.message).not.toContain('hunter2');
  });
});

describe('json: encoding', () => {
  it.each<[unknown, RegExp]>([
    [undefined, /undefined/],
    [() => 1, /function/],
    [{ a: 1n }, /BigInt/],
    [{ a: Number.NaN }, /NaN/],
    [[Number.NEGATIVE_INFINITY], /-Infinity/],
    [{ a: { b: new Date(Number.NaN) } }, /invalid date/],
    [{ a: [undefined] }, /undefined in a list/],
    [{ a: new Map([[1, 2]]) }, /Map/],
    [{ a: Promise.resolve(1) }, /Promise/],
    [
      {
        toJSON: () => {
          throw new Error('own words');
        },
      },
      /toJSON/,
    ],
    [JSON.parse('{"__proto__":1}'), /__proto__/],
  ])('refuses %s', (value, message) => {
    const error = codecErrorOf(() => json().encode(value));
    expect(error.code).toBe('encode_failed');
    expect(error.message).toMatch(message);
  });

  it('refuses cycles and bottomless values', () => {
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    expect(codecErrorOf(() => json().encode(cycle)).message).toMatch(/contains itself/);
    let deep: unknown = null;
    for (let n = 0; n < 100_000; n += 1) deep = [deep];
    expect(codecErrorOf(() => json().encode(deep)).message).toMatch(/nests too deep/);
  });

  it('takes null, empty objects and absent properties for what they are', () => {
    expect(textOf(json().encode({ a: null, b: {}, c: undefined, d: [null] }))).toBe('{"a":null,"b":{},"d":[null]}');
  });

  it('checks what it writes', () => {
    const error = codecErrorOf(() => json(Person).encode({ name: 'x', pets: [{ age: 'hunter2' }] } as never));
    expect(error).toMatchObject({ code: 'schema_violation' });
    expect(error.message).toContain('$.pets[0].age');
    expect(error.message).not.toContain('hunter2');
  });

  it('writes values of a schema that transforms when their JSON form is its input', () => {
    const codec = json(z.object({ at: z.iso.datetime().transform((text) => new Date(text)) }));
    const value = { at: new Date('2026-01-02T03:04:05.000Z') };
    expect(textOf(codec.encode(value))).toBe('{"at":"2026-01-02T03:04:05.000Z"}');
    expect(codec.decode(codec.encode(value))).toEqual(value);
  });

  it('refuses values that it could not read back', () => {
    expect(codecErrorOf(() => json(z.string().transform((text) => text.length)).encode(5)).code).toBe('schema_violation');
    expect(codecErrorOf(() => json(z.object({ at: z.date() })).encode({ at: new Date(0) })).code).toBe('schema_violation');
  });

  it('keeps additional properties, and half surrogate pairs as escapes', () => {
    const codec = json(z.object({ a: z.string() }));
    const value: { a: string; b: number } = { a: '\ud800', b: 1 };
    expect(textOf(codec.encode(value))).toBe('{"a":"\\ud800","b":1}');
    expect(codec.decode(codec.encode(value))).toEqual({ a: '\ud800' });
  });
});

it('json refuses what is not a schema', () => {
  expect(() => json({ type: 'object' } as never)).toThrow(/Standard Schema/);
  expect(() => json(null as never)).toThrow(/Standard Schema/);
});
