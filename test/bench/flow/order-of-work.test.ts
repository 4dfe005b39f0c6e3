import { expect, it } from 'vitest';
import { name, run, summary } from './order-of-work.ts';

it('the order of work keeps keys in order, shortens the mean wait within its bound, and shares by weight', async () => {
  const { measured } = await run({ short: true });
  expect([name, summary.length > 0, measured.length]).toEqual(['order-of-work', true, 12]);
  expect(measured.filter(({ pass, what }) => !pass && !what.includes('of the ideal'))).toEqual([]);
}, 60_000);
