import { describe, expect, it } from 'vitest';
import { batchDynamic } from '../../operators/batch-dynamic.ts';
import { batchWithin } from '../../operators/batch-within.ts';
import { mapConcurrent } from '../../operators/map-concurrent.ts';
import { unbatch } from '../../operators/unbatch.ts';
import { call } from '../../src/call.ts';
import { sleep } from '../../src/clock.ts';
import { mill, sorted, upTo, type Value } from '../helpers/mill.ts';

describe('a batch of several partitions that waits for its call', () => {
  it('keeps its records when one of the partitions moves: the call is made for all of them', async () => {
    const m = await mill({ partitions: 2 });
    await m.feed(upTo(40).map((value) => ({ key: null, value, partition: value % 2 })));
    const calls: Value[] = [];
    const start = () =>
      m.start(
        (s) =>
          s.pipe(
            batchWithin({ maxSize: 3 }),
            mapConcurrent(
              (values: readonly Value[]) =>
                call(async () => {
                  calls.push(...values);
                  await sleep(m.clock, 100);
                  return values;
                }),
              { concurrency: 1 },
            ),
            unbatch(),
          ),
        { ordering: 'none' },
      );
    await start();
    await m.clock.advance(150);
    await start();
    await m.clock.advance(60_000);
    expect([sorted(calls), sorted(m.outputs()), m.committed()]).toEqual([upTo(40), upTo(40), [20n, 20n]]);
  });

  it.each(['none', 'key'] as const)('loses nothing and keeps the order of %s when a partition moves', async (ordering) => {
    const m = await mill({ partitions: 2 });
    await m.feed(upTo(60).map((value) => ({ key: String(value % 7), value })));
    const start = () =>
      m.start(
        (s) =>
          s.pipe(
            batchDynamic({ maxSize: 4, preferredSizes: [2], lengthOf: (value) => Number(value) }),
            mapConcurrent(
              (values: readonly Value[]) =>
                call(async () => {
                  await sleep(m.clock, 100);
                  return values;
                }),
              { concurrency: 2 },
            ),
            unbatch(),
          ),
        { ordering },
      );
    await start();
    await m.clock.advance(150);
    await start();
    await m.clock.advance(60_000);
    expect(sorted(m.outputs())).toEqual(upTo(60));
    if (ordering === 'key') for (const values of m.outputsByKey().values()) expect(values).toEqual(sorted(values));
  });
});
