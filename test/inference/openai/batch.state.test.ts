import { describe, expect, it } from 'vitest';
import { type BatchStanding, isOfUse, lookAfterMs, looksOn, stepOf } from '../../../src/inference/openai/batch.state.ts';

const batch = (fields: Partial<BatchStanding>): BatchStanding => ({ status: 'completed', ...fields });

describe('looks at a batch', () => {
  it('come after 2 s, half as long again each time, 60 s at last', () => {
    expect([1, 2, 3, 4].map(lookAfterMs)).toEqual([2_000, 3_000, 4_500, 6_750]);
    expect([9, 10, 100_000].map(lookAfterMs)).toEqual([51_257.8125, 60_000, 60_000]);
  });

  it('that fail are followed by others, but for the 14th in a row', () => {
    expect([1, 13, 14].map(looksOn)).toEqual([true, true, false]);
  });
});

it.each([
  ['validating', {}, 'wait'],
  ['in_progress', {}, 'wait'],
  ['finalizing', {}, 'wait'],
  ['cancelling', {}, 'wait'],
  ['queued', {}, 'wait'],
  ['completed', {}, 'read'],
  ['expired', {}, 'read'],
  ['cancelled', {}, 'read'],
  ['failed', {}, 'refused'],
  ['failed', { output_file_id: 'f' }, 'read'],
  ['failed', { error_file_id: 'f' }, 'read'],
])('a batch that is %s, with %j: %s', (status, files, step) => {
  expect(stepOf(batch({ status, ...files }))).toBe(step);
});

it.each([
  ['validating', 0, true],
  ['in_progress', 0, true],
  ['completed', 0, true],
  ['cancelling', 5, false],
  ['expired', 0, false],
  ['expired', 1, true],
  ['cancelled', 1, true],
  ['cancelled', 0, false],
  ['failed', 0, false],
])('one that is %s with %i answers is taken up: %s', (status, completed, expected) => {
  expect(isOfUse(batch({ status, request_counts: { completed } }))).toBe(expected);
  if (completed === 0) expect(isOfUse(batch({ status }))).toBe(expected);
});
