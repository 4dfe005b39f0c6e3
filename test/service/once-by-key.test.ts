import { expect, it } from 'vitest';
import { OnceByKey } from '../../src/service/once-by-key.ts';
import { virtualClock } from '../../src/virtual-clock.ts';

const make = () => {
  const clock = virtualClock();
  const once = new OnceByKey(clock);
  let runs = 0;
  const ask = (key: string, digest = 'd', fails = false, weight = 1) =>
    once.do(
      key,
      digest,
      () => {
        runs += 1;
        return fails ? Promise.reject(new Error('no')) : Promise.resolve(runs);
      },
      () => weight,
    );
  return { clock, ask, runs: () => runs };
};

it('does once what is asked for under one key, and refuses another request under it', async () => {
  const { ask, runs } = make();
  expect(await Promise.all([ask('a'), ask('a'), ask('b')])).toEqual([1, 1, 2]);
  await expect(ask('a', 'other')).rejects.toMatchObject({ status: 422, code: 'idempotency_key_reused' });
  expect(runs()).toBe(2);
});

it('does again what failed', async () => {
  const { ask } = make();
  await expect(ask('a', 'd', true)).rejects.toThrow('no');
  expect(await ask('a')).toBe(2);
});

it('forgets after 10 minutes, and the oldest where there is too much of it', async () => {
  const { clock, ask } = make();
  await ask('a');
  await clock.advance(599_999);
  expect(await ask('a')).toBe(1);
  await clock.advance(1);
  expect(await ask('a')).toBe(2);
  await ask('b', 'd', false, 200_000);
  await ask('c');
  expect(await ask('b')).toBe(5); // and a went before it
});

it('keeps no room for what was forgotten while it was under way', async () => {
  const clock = virtualClock();
  const once = new OnceByKey(clock);
  const { promise: late, resolve } = Promise.withResolvers<string>();
  const ask = (key: string, work: () => Promise<string>): Promise<string> => once.do(key, 'd', work, ({ length }) => length);
  const slow = ask('slow', () => late);
  await clock.advance(600_000);
  const soon = ask('soon', () => Promise.resolve('first'));
  resolve('x'.repeat(200_000));
  await Promise.all([slow, soon]);
  expect(await ask('soon', () => Promise.resolve('second'))).toBe('first');
});
