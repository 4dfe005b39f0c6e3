import { describe, expect, it } from 'vitest';
import { fullness, lengths, tenants } from './order-of-work.ts';

describe('the order of work, in short', () => {
  it.each([
    { rule: 'keeps order by key without an inversion, and shortens the mean wait within its bound', run: () => lengths(1_000) },
    { rule: 'shares between tenants by weight, and lets the small one pass', run: () => tenants(5) },
  ])(
    '$rule',
    async ({ run }) => {
      expect((await run()).filter(({ pass }) => !pass)).toEqual([]);
    },
    60_000,
  );

  it('has no inversion of a key', async () => {
    expect((await fullness(500)).find(({ what }) => what === 'inversions')).toMatchObject({ measured: '0' });
  }, 60_000);
});
