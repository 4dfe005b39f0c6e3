import { expect, it } from 'vitest';
import { bytes } from '../../src/codec/bytes.ts';
import { codecErrorOf } from '../helpers/codec-error.ts';

it('gives the bytes as they are, in both directions, without a copy; a tombstone stays one', () => {
  const some = Uint8Array.of(0, 255, 0);
  const within = Buffer.from([1, 2, 3, 4]).subarray(1, 3);
  for (const one of [some, within, new Uint8Array(), null]) {
    expect(bytes().decode(one)).toBe(one);
    expect(bytes().encode(one)).toBe(one);
  }
});

it.each([
  ['text', 'secret-hunter2', 'got string'],
  ['an array', [1, 2], 'got object'],
  ['nothing', undefined, 'got undefined'],
  ['a buffer without a view', new ArrayBuffer(2), 'got object'],
])('refuses %s, and says which codecs there are', (_, value, message) => {
  const error = codecErrorOf(() => bytes().encode(value as never));
  expect([error.code, error.message]).toEqual(['encode_failed', expect.stringContaining(message)]);
  expect(error.message).toContain('json(), text()');
  expect(error.message).not.toContain('hunter2');
});
