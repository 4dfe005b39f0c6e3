import { describe, expect, it } from 'vitest';
import { drop } from '../../operators/index.ts';
import { feed } from '../helpers/feed.ts';
import { describeGuarded, isEven } from './describe-guarded.ts';

describeGuarded({
  name: 'drop',
  operator: () => drop((value: number) => !isEven(value) && 'odd'),
  values: [1, 20, 4],
  out: [20, 4],
  passes: 2,
  consumed: 1,
});

describe('drop', () => {
  it('drops with the reason given', () => {
    const fed = feed<number, number>(drop((value: number) => `is ${String(value)}`));
    fed.send(1);
    expect(fed.outcomes()).toEqual(['dropped: is 1']);
  });

  it.each([false, undefined, null, ''] as const)('keeps a value for the reason %j', (reason) => {
    const fed = feed<number, number>(drop(() => reason));
    fed.send(1);
    expect(fed.outcomes()).toEqual(['done']);
  });

  it('refuses a promise, which is no reason', () => {
    const fed = feed<number, number>(drop((() => Promise.resolve(false)) as never));
    fed.send(1);
    expect(fed.outcomes()).toEqual(['failed: project_threw']);
  });
});
