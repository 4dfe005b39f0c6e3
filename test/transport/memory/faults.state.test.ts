import { expect, it } from 'vitest';
import { Faults } from '../../../src/transport/memory/faults.state.ts';

it('fails as many as were planned, in the order of planning, and then no more', () => {
  const faults = new Faults();
  faults.failNext(0, true);
  faults.failNext(2, false);
  faults.failNext(1, true);
  const fates = Array.from({ length: 5 }, () => {
    const { applied, answered } = faults.next();
    return [applied, answered];
  });
  expect(fates).toEqual([
    [false, false],
    [false, false],
    [true, false],
    [true, true],
    [true, true],
  ]);
});
