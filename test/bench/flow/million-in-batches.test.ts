import { expect, it } from 'vitest';
import { name, run, summary } from './million-in-batches.ts';

it('leaves no record open', async () => {
  const { measured } = await run({ short: true, say: () => undefined });
  expect([name, summary.length > 0, measured.length]).toEqual(['million-in-batches', true, 18]);
  expect(measured.filter(({ pass }) => !pass)).toEqual([]);
});
