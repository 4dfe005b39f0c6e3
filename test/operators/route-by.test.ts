import { describe, expect, it } from 'vitest';
import { routeBy } from '../../operators/index.ts';
import { outputFieldsOf } from '../../src/record/envelope.ts';
import { feed } from '../helpers/feed.ts';
import { describeGuarded, isEven } from './describe-guarded.ts';

describeGuarded({
  name: 'routeBy',
  operator: () => routeBy((value: number) => (isEven(value) ? 'even' : 'odd')),
  values: [1, 20, 4],
  out: [1, 20, 4],
  passes: 2,
  consumed: 2,
});

describe('routeBy', () => {
  it('sets the route of the output', () => {
    const fed = feed<number, number>(routeBy((value: number) => (isEven(value) ? 'even' : 'odd')));
    fed.send(1, 2);
    expect(fed.out.map((envelope) => outputFieldsOf(envelope).route)).toEqual(['odd', 'even']);
  });

  it('fails a record whose route is no name', () => {
    const fed = feed<number, number>(routeBy((() => undefined) as never));
    fed.send(1);
    expect(fed.run.failures[0]?.message).toMatch(/a route must be the name of an output, got undefined/);
  });
});
