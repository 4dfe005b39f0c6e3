import { describe, expect, it } from 'vitest';
import { avro } from '../../../src/codec/avro/avro.ts';
import { codecErrorOf } from '../../helpers/codec-error.ts';

const codec = avro({ type: 'bytes', logicalType: 'big-decimal' });
/** Within the bytes that it stands on; all lengths here are short. */
const framed = (hex: string): Uint8Array => Buffer.concat([Buffer.of(hex.length), Buffer.from(hex, 'hex')]);

describe('big-decimal', () => {
  it.each(['0', '0.00', '-0.05', '98765432109876543210987654321.5', `-0.${'0'.repeat(2_459)}1`, '9'.repeat(2_465)])(
    'has the digits and the scale that it was written with: %#',
    (text) => {
      expect(codec.decode(codec.encode(text))).toBe(text);
    },
  );

  it.each([
    ['a scale below 0, as Java may write', '020c03', '1200'],
    ['no bytes at all, as a default of a schema', '', '0'],
    ['no digits', '0004', '0.00'],
  ])('reads %s', (_, hex, text) => {
    expect(codec.decode(framed(hex))).toBe(text);
  });

  it.each([
    ['a scale of 2^31', '020cfeffffff0f', /scale within ± 2465, got 2147483647/],
    ['a scale of -2^31', '020cffffffff0f', /scale within ± 2465, got -2147483648/],
    ['more digits than there are', '080c', /and nothing else/],
    ['a length below 0', '010c02', /at most 1024 bytes/],
    ['a length of gigabytes', 'feffffff0f0c02', /at most 1024 bytes/],
    ['no scale', '020c', /and nothing else/],
    ['more behind the scale', '020c0200', /and nothing else/],
  ])('refuses %s', (_, hex, message) => {
    const error = codecErrorOf(() => codec.decode(framed(hex)));
    expect([error.code, error.message]).toEqual(['decode_failed', expect.stringMatching(message)]);
  });
});
