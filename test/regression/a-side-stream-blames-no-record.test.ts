import { merge, Observable } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { mapConcurrent } from '../../operators/map-concurrent.ts';
import { call } from '../../src/call.ts';
import { sleep } from '../../src/clock.ts';
import { mill, numbers, sorted, upTo, type Value } from '../helpers/mill.ts';

describe('a stream that ends for what is beside its records', () => {
  const breaking = async (times: number) => {
    const m = await mill();
    await m.feed(numbers(20, 20));
    let built = 0;
    let calls = 0;
    const work = mapConcurrent(
      (v: Value) =>
        call(async () => {
          calls += 1;
          await sleep(m.clock, 400);
          return v;
        }),
      { concurrency: 10 },
    );
    const app = await m.start((s) => {
      built += 1;
      const side = new Observable<never>((out) =>
        built <= times
          ? m.clock.schedule(300, () => {
              out.error(new Error('the side stream broke'));
            })
          : undefined,
      );
      return merge(s.pipe(work), side);
    });
    return { m, app, calls: () => calls };
  };

  it('costs no record its place in the output', async () => {
    const { m, calls } = await breaking(5);
    await m.clock.advance(60_000);
    expect([sorted(m.outputs()), m.letters(), m.committed()]).toEqual([upTo(20), [], [20n]]);
    expect(calls()).toBe(10 + 1 + 20); // the first ten, one of them alone, and then all
  });

  it('fails the pipeline when it does not stop, and nothing is dead-lettered', async () => {
    const { m, app } = await breaking(1_000);
    const failed = expect(app.done).rejects.toMatchObject({ code: 'pipeline_threw' });
    await m.clock.advance(60_000);
    await failed;
    expect([m.outputs(), m.letters()]).toEqual([[], []]);
  });
});
