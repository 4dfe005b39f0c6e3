import { expect, it } from 'vitest';
import { avroText } from '../../src/cli/avro-text.ts';

it.each<readonly [unknown, string]>([
  ['text', 'text'],
  [2n ** 63n - 1n, '9223372036854775807'],
  [Number.NaN, 'NaN'],
  [-0.5, '-0.5'],
  [null, 'null'],
  [Uint8Array.of(0xff, 0), '/wA='],
  [new Date(5), '1970-01-01T00:00:00.005Z'],
  [{ a: [1n, { b: Buffer.of(1) }], c: { toJSON: 'x' } }, '{"a":["1",{"b":"AQ=="}],"c":{"toJSON":"x"}}'],
])('of %o is %s', (value, text) => {
  expect(avroText(value)).toBe(text);
});
