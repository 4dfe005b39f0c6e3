import { describe, expect, it } from 'vitest';
import { longestToldMs, retryAfterOf } from '../src/retry-after.ts';

const nowMs = Date.UTC(2026, 9, 21, 7, 28);

describe('how long an error asks to wait', () => {
  it.each<[string, unknown, number | undefined]>([
    ['of ours', { retryAfterMs: 250 }, 250],
    ['a Headers object', { headers: new Headers({ 'Retry-After': '2' }) }, 2_000],
    ['a plain object, however it is spelt', { headers: { 'Retry-After': '2' } }, 2_000],
    ['a number in it', { headers: { 'retry-after': 2 } }, 2_000],
    ['the response of a client', { response: { headers: { 'retry-after-ms': '125', 'retry-after': '9' } } }, 125],
    ['a date', { headers: { 'retry-after': 'Wed, 21 Oct 2026 07:28:30 GMT' } }, 30_000],
    ['a date in the time of a server that is a minute ahead', { headers: dated('07:29:30', '07:29:00') }, 30_000],
    ['a date that is over', { headers: { 'retry-after': 'Wed, 21 Oct 2015 07:28:00 GMT' } }, 0],
    ['too long to be heeded', { headers: { 'retry-after': '99999999999' } }, 900_000],
    ['too long, of ours', { retryAfterMs: 1e12 }, 900_000],
    ['words', { headers: { 'retry-after': 'soon' } }, undefined],
    ['less than nothing', { headers: { 'retry-after': '-5' } }, undefined],
    ['no headers', new Error('x'), undefined],
    ['no object', 'x', undefined],
    ['hostile headers', { headers: { 'retry-after': { toString: () => '1' } } }, undefined],
  ])('%s', (_name, error, expected) => {
    expect(retryAfterOf(error, nowMs)).toBe(expected);
  });
});

it('heeds more where it is told to, and tells no more than a day', () => {
  const error = { headers: { 'retry-after': '7200' } };
  expect([retryAfterOf(error, nowMs, 3_600_000), retryAfterOf(error, nowMs, 36_000_000)]).toEqual([3_600_000, 7_200_000]);
  expect(retryAfterOf({ retryAfterMs: 1e12 }, nowMs, longestToldMs)).toBe(86_400_000);
});

function dated(at: string, date: string): Record<string, string> {
  return { 'retry-after': `Wed, 21 Oct 2026 ${at} GMT`, date: `Wed, 21 Oct 2026 ${date} GMT` };
}
