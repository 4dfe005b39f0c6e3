import { expect, expectTypeOf, it } from 'vitest';
import type { Codec, CodecUse } from '../../src/codec/codec.ts';
import { json } from '../../src/codec/json.ts';
import { nullable } from '../../src/codec/nullable.ts';
import { text } from '../../src/codec/text.ts';
import { virtualClock } from '../../src/virtual-clock.ts';

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

it('opens what it wraps, and lets everything of that through but null', async () => {
  const use: CodecUse = {
    topic: 'reviews',
    part: 'value',
    direction: 'in',
    clock: virtualClock(),
    signal: new AbortController().signal,
    log: () => undefined,
  };
  const told: unknown[] = [];
  const soon = Promise.resolve();
  const codec: Codec<string> = {
    ...text(),
    open: (given) => {
      told.push(given);
      return Promise.resolve({
        ...text(),
        decode: () => 'opened',
        pending: () => soon,
        trouble: () => 'away',
        close: () => {
          told.push('closed');
          return soon;
        },
      });
    },
  };
  const opened = await nullable(codec).open?.(use);
  expect(opened?.decode(new Uint8Array())).toBe('opened');
  expect(opened?.decode(null)).toBeNull();
  expect(opened?.pending?.(new Uint8Array())).toBe(soon);
  expect(opened?.pending?.(null)).toBeUndefined();
  expect(opened?.trouble?.()).toBe('away');
  await opened?.close?.();
  expect(told).toEqual([use, 'closed']);
  expect(nullable(text())).not.toHaveProperty('open');
});
