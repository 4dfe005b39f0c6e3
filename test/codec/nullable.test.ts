import { expect, expectTypeOf, it } from 'vitest';
import type { Codec } from '../../src/codec/codec.ts';
import { json } from '../../src/codec/json.ts';
import { nullable } from '../../src/codec/nullable.ts';
import { text } from '../../src/codec/text.ts';

it('lets tombstones through, which never reach the codec', () => {
  const never: Codec<string> = {
    name: 'never',
    decode: () => {
      throw new Error('asked');
    },
    encode: () => {
      throw new Error('asked');
    },
  };
  expect(nullable(never).decode(null)).toBeNull();
  expect(nullable(never).encode(null)).toBeNull();
  expect(() => nullable(never).encode('x')).toThrow('asked');
  expect(() => nullable(never).decode(new Uint8Array())).toThrow('asked');
  expect(nullable(never).name).toBe('nullable never');
  expectTypeOf(nullable(text())).toEqualTypeOf<Codec<string | null>>();
});

it('keeps an empty value apart from no value', () => {
  expect(nullable(text()).decode(new Uint8Array())).toBe('');
  expect(nullable(text()).encode('')).toHaveLength(0);
  expect(() => nullable(json()).decode(new Uint8Array())).toThrow(/expected JSON/);
});
