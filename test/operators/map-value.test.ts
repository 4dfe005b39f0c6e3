import { Observable, take } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { mapValue } from '../../operators/index.ts';
import type { Envelope } from '../../src/record/envelope.ts';
import { testRun } from '../../src/testing.ts';
import { feed } from '../helpers/feed.ts';
import { describeGuarded, isEven } from './describe-guarded.ts';

describeGuarded({
  name: 'mapValue',
  operator: () => mapValue((value: number) => (isEven(value) ? value * 10 : value)),
  values: [1, 20, 4],
  out: [1, 200, 40],
  passes: 2,
  consumed: 2,
});

describe('mapValue', () => {
  it('keeps key, position and fields, and gives the envelope to the function', () => {
    const fed = feed<number, string>(
      mapValue((value: number, { position }: Envelope<number>) => `${String(value)} at ${String(position.offset)}`),
    );
    fed.send(7, 8);
    expect(fed.values()).toEqual(['7 at 0', '8 at 1']);
  });

  it('refuses a promise, whose rejection it would lose', () => {
    const fed = feed<number, unknown>(mapValue(() => Promise.reject(new Error('later'))));
    fed.send(1);
    expect(fed.run.failures[0]?.message).toMatch(/returned a promise, which mapValue does not wait for: use mapConcurrent/);
  });

  it('stops a synchronous source when downstream has left', () => {
    const run = testRun();
    let made = 0;
    const endless = new Observable<Envelope<number>>((out) => {
      while (!out.closed && made < 100) out.next(run.envelope((made += 1)));
    });
    endless
      .pipe(mapValue((value: number) => value))
      .pipe(take(2))
      .subscribe();
    expect(made).toBeLessThanOrEqual(3);
  });
});
