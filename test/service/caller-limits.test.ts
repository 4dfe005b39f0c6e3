import { expect, it } from 'vitest';
import { CallerLimits } from '../../src/service/caller-limits.ts';
import { virtualClock } from '../../src/virtual-clock.ts';
import { serveScript } from './serving.ts';

const caller = (more: { readonly requestsPerMinute?: number; readonly tokensPerMinute?: number }) => ({
  ...{ name: 'team', weight: 1, maxOpen: Infinity },
  ...more,
});
const full = (retryAfterMs: number) => expect.objectContaining({ code: 'overloaded', status: 429, retryAfterMs }) as Error;

it('lets no more requests in than a minute may have, and says when there is room', () => {
  const limits = new CallerLimits();
  const team = caller({ requestsPerMinute: 2 });
  limits.take(team, 10, 1_000);
  limits.take(team, 10, 21_000);
  expect(() => limits.take(team, 10, 31_000)).toThrow(full(30_000));
  expect(() => limits.take({ ...team, name: 'other' }, 10, 31_000)).not.toThrow();
  expect(() => limits.take(team, 10, 61_000)).not.toThrow();
  expect(() => limits.take(team, 10, 61_001)).toThrow(/team may use 2 requests a minute/);
});

it('counts a request as the most that it may use until it has ended, then as what it has', () => {
  const limits = new CallerLimits();
  const team = caller({ tokensPerMinute: 100 });
  const ended = limits.take(team, 80, 0);
  expect(() => limits.take(team, 50, 1_000)).toThrow(full(59_000));
  ended(30);
  ended(0);
  expect(() => limits.take(team, 71, 1_000)).toThrow(/has used 30/);
  expect(() => limits.take(team, 70, 1_000)).not.toThrow();
  expect(() => limits.take(team, 101, 200_000)).toThrow(/this request alone may take 101/);
});

it('answers 429 with Retry-After to a key that has had its minute, and serves the others', async () => {
  const clock = virtualClock(1_000_000);
  const keys = [
    { name: 'small', key: 'the-small-key-of-one', tokensPerMinute: 40 },
    { name: 'large', key: 'the-large-key-of-all' },
  ];
  const { post } = await serveScript('one two three', {}, { keys, clock });
  const ask = async (name: string): Promise<readonly [number, string | null]> => {
    const key = keys.find((one) => one.name === name)?.key ?? '';
    const body = { messages: [{ role: 'user', content: 'hi' }], max_tokens: 30 };
    const { status, headers } = await post('/v1/chat/completions', body, { headers: { authorization: `Bearer ${key}` } });
    return [status, headers.get('retry-after')];
  };
  // each may take 31, and takes 4: 31 fit beside 4 and 8
  expect([await ask('small'), await ask('small'), await ask('small'), await ask('small')]).toEqual([
    ...[200, 200, 200].map((status) => [status, null]),
    [429, '60'],
  ]);
  expect((await ask('large'))[0]).toBe(200);
  await clock.advance(60_000);
  expect((await ask('small'))[0]).toBe(200);
});
