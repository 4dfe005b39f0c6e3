import { expect, it } from 'vitest';
import { name, run, summary } from './batches-by-length.ts';

it('batches of values alike in length have less padding, and take less time', async () => {
  const { measured } = await run();
  expect([name, summary.length > 0, measured.length]).toEqual(['batches-by-length', true, 8]);
  expect(measured.filter(({ pass }) => !pass)).toEqual([]);
});
