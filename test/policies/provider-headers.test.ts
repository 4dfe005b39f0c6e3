import { describe, expect, it } from 'vitest';
import { readProviderHeaders } from '../../src/policies/provider-headers.ts';

const nowMs = Date.parse('2026-03-01T12:00:00Z');
const date = 'Sun, 01 Mar 2026 11:59:50 GMT'; // their clock is 10 s behind ours

describe('readProviderHeaders', () => {
  it.each<[string, Record<string, string>, object]>([
    ['nothing', {}, { dateMs: undefined, retryAfterMs: undefined, left: [] }],
    ['a wait in ms before one in seconds', { 'retry-after-ms': '1500', 'retry-after': '7' }, { retryAfterMs: 1500 }],
    ['a wait in seconds', { 'retry-after': '2.5' }, { retryAfterMs: 2500 }],
    [
      'a wait as a date, by their clock',
      { 'retry-after': 'Sun, 01 Mar 2026 11:59:55 GMT', date },
      { retryAfterMs: 5000, dateMs: nowMs - 10_000 },
    ],
    [
      'lengths with units',
      {
        'x-ratelimit-remaining-tokens': '149984',
        'x-ratelimit-reset-tokens': '6m0s',
        'x-ratelimit-remaining-requests': '59',
        'x-ratelimit-reset-requests': '20ms',
      },
      {
        left: [
          { unit: 'requests', left: 59, resetMs: 20 },
          { unit: 'tokens', left: 149_984, resetMs: 360_000 },
        ],
      },
    ],
    [
      'a length in parts',
      { 'x-ratelimit-remaining-tokens': '1', 'x-ratelimit-reset-tokens': '1h2m7.66s' },
      { left: [{ unit: 'tokens', left: 1, resetMs: 3_727_660 }] },
    ],
    [
      'plain seconds',
      { 'x-ratelimit-remaining': '3', 'x-ratelimit-reset': '12' },
      { left: [{ unit: 'requests', left: 3, resetMs: 12_000 }] },
    ],
    [
      'seconds since 1970, by their clock',
      { 'x-ratelimit-remaining': '3', 'x-ratelimit-reset': String(nowMs / 1000), date },
      { left: [{ unit: 'requests', left: 3, resetMs: 10_000 }] },
    ],
    [
      'milliseconds since 1970',
      { 'x-ratelimit-remaining': '3', 'x-ratelimit-reset': String(nowMs + 7) },
      { left: [{ unit: 'requests', left: 3, resetMs: 7 }] },
    ],
    [
      'times, by their clock',
      { 'anthropic-ratelimit-input-tokens-remaining': '9000', 'anthropic-ratelimit-input-tokens-reset': '2026-03-01T12:00:00Z', date },
      { left: [{ unit: 'inputTokens', left: 9000, resetMs: 10_000 }] },
    ],
    [
      'all four of them',
      Object.fromEntries(
        ['requests', 'tokens', 'input-tokens', 'output-tokens'].map((what, i) => [`anthropic-ratelimit-${what}-remaining`, String(i)]),
      ),
      {
        left: [
          { unit: 'requests', left: 0, resetMs: undefined },
          { unit: 'tokens', left: 1, resetMs: undefined },
          { unit: 'inputTokens', left: 2, resetMs: undefined },
          { unit: 'outputTokens', left: 3, resetMs: undefined },
        ],
      },
    ],
    [
      'a reset in the past',
      { 'x-ratelimit-remaining': '3', 'x-ratelimit-reset': '2026-03-01T11:00:00Z' },
      { left: [{ unit: 'requests', left: 3, resetMs: -3_600_000 }] },
    ],
    [
      'a reset in a year, as a day',
      { 'x-ratelimit-remaining': '3', 'x-ratelimit-reset': '2027-03-01T11:00:00Z' },
      { left: [{ unit: 'requests', left: 3, resetMs: 86_400_000 }] },
    ],
    ['no number', { 'x-ratelimit-remaining': 'many', 'x-ratelimit-remaining-tokens': '' }, { left: [] }],
    [
      'a reset that is none',
      { 'x-ratelimit-remaining': '3', 'x-ratelimit-reset': 'soon' },
      { left: [{ unit: 'requests', left: 3, resetMs: undefined }] },
    ],
  ])('reads %s', (_, headers, expected) => {
    expect(readProviderHeaders(new Headers(headers), nowMs)).toMatchObject(expected);
  });
});
