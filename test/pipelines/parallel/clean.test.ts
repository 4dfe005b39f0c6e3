import { describe, expect, it } from 'vitest';
import { clean, type CleanStep, steps } from '../../../pipelines/parallel/index.ts';

const bytes = (...values: readonly number[]): Uint8Array => Uint8Array.from(values);

describe('clean', () => {
  it.each<readonly [string, CleanStep<never, unknown>, unknown, unknown]>([
    ['UTF-8', clean.encoding(), bytes(0x67, 0xc3, 0xbc), 'gü'],
    ['a byte order mark', clean.encoding(), bytes(0xef, 0xbb, 0xbf, 0x61), 'a'],
    ['UTF-16', clean.encoding(), bytes(0xff, 0xfe, 0x61, 0x00), 'a'],
    ['another encoding', clean.encoding({ encoding: 'windows-1252' }), bytes(0x67, 0xfc), 'gü'],
    ['text', clean.encoding(), 'as it is', 'as it is'],
    ['a pattern, everywhere', clean.regex(/\d/, '#'), 'a1b2', 'a#b#'],
    ['white space', clean.whitespace(), ' a \n\t b\u00a0 c ', 'a b c'],
    ['white space in lines', clean.whitespace({ lines: true }), 'a  b \r\n\r\n\r\n\r\n c', 'a b\n\nc'],
    ['fields', clean.drop('id', 'none'), { id: 1, text: 'a' }, { text: 'a' }],
    [
      'missing values',
      clean.fill({ a: 1, b: 2, c: 3, d: 4, e: 5 }),
      { a: null, b: '', c: Number.NaN, d: 0 },
      { a: 1, b: 2, c: 3, d: 0, e: 5 },
    ],
    ['a missing value by its row', clean.fill({ b: (row: { a: number }) => row.a * 2 }), { a: 4 }, { a: 4, b: 8 }],
    ['numbers', clean.scale({ a: { from: [0, 10] }, b: { from: [0, 10], to: [-1, 1] } }), { a: 5, b: '10', c: 7 }, { a: 0.5, b: 1, c: 7 }],
    ['a number outside', clean.scale({ a: { from: [0, 10] } }), { a: 99 }, { a: 1 }],
    ['a missing number', clean.scale({ a: { from: [0, 10] } }), { a: null }, { a: null }],
  ])('%s', (_, step, given, expected) => {
    expect((step as CleanStep<unknown, unknown>)(given)).toEqual(expected);
  });

  it.each<readonly [CleanStep<never, unknown>, unknown, string]>([
    [clean.encoding(), bytes(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0, 0, 13), 'expected text, got'],
    [clean.scale({ a: { from: [0, 10] } }), { a: 'many' }, 'expected a number in field a'],
    [clean.scale({ a: { from: [0, 10], outside: 'error' } }), { a: 11 }, 'expected field a in [0, 10], got 11'],
  ])('%# fails', (step, given, message) => {
    expect(() => (step as CleanStep<unknown, unknown>)(given)).toThrow(message);
  });

  it('leaves its input as it is', () => {
    const row = Object.freeze({ a: '', b: 5, id: 1 });
    expect(steps(clean.fill({ a: 1 }), clean.scale({ b: { from: [0, 10] } }), clean.drop('id'))(row)).toEqual({ a: 1, b: 0.5 });
    expect(row).toEqual({ a: '', b: 5, id: 1 });
  });

  it('refuses an interval that is none, and an encoding that nobody knows', () => {
    expect(() => clean.scale({ a: { from: [1, 1] } })).toThrow('must be [least, most]');
    expect(() => clean.encoding({ encoding: 'klingon' })).toThrow('klingon');
  });
});
