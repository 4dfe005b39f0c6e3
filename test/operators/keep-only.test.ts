import { describe, expect, it } from 'vitest';
import { keepOnly } from '../../operators/index.ts';
import { feed } from '../helpers/feed.ts';
import { describeGuarded, isEven } from './describe-guarded.ts';

describeGuarded({ name: 'keepOnly', operator: () => keepOnly(isEven), values: [1, 20, 4], out: [20, 4], passes: 2, consumed: 1 });

describe('keepOnly', () => {
  it.each([
    { rule: 'drops with its reason', reason: 'odd', expected: 'dropped: odd' },
    { rule: 'has a reason of its own', reason: undefined, expected: 'dropped: not kept' },
  ])('$rule', ({ reason, expected }) => {
    const fed = feed<number, number>(keepOnly(isEven, reason));
    fed.send(1);
    expect(fed.outcomes()).toEqual([expected]);
  });

  it('refuses a promise, which is always true', () => {
    const fed = feed<number, number>(keepOnly((() => Promise.resolve(false)) as never));
    fed.send(1);
    expect(fed.outcomes()).toEqual(['failed: project_threw']);
  });

  it('refuses an empty reason when it is called', () => {
    expect(() => keepOnly(isEven, ' ')).toThrow('keepOnly.reason must be a non-empty string');
  });
});
