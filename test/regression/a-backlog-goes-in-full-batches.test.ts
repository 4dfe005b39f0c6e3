import { Observable } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { batchDynamic, batchWithin, mapConcurrent, unbatch } from '../../operators/index.ts';
import { call } from '../../src/call.ts';
import type { Clock } from '../../src/clock.ts';
import { adaptive } from '../../src/policies/adaptive.ts';
import { mill, numbers, type Value } from '../helpers/mill.ts';

const slow = <R>(clock: Clock, ms: number, result: R): Observable<R> =>
  new Observable((out) =>
    clock.schedule(ms, () => {
      out.next(result);
      out.complete();
    }),
  );

const batchings = { batchWithin, batchDynamic };

describe.each(['batchWithin', 'batchDynamic'] as const)('%s with a backlog', (name) => {
  const batching = batchings[name];

  /** Batches of up to 32 by one call at a time; the values one by one through 64 calls of other lengths. So many records in flight. */
  const run = async (maxRecordsInFlight: number, records: number) => {
    const { start, feed, clock, outputs } = await mill({ partitions: 4 });
    const sizes: number[] = [];
    const app = await start(
      (source) =>
        source.pipe(
          batching({ maxSize: 32 }),
          mapConcurrent(
            (values: readonly Value[]) => {
              sizes.push(values.length);
              return slow(clock, 50 + values.length, values);
            },
            { concurrency: 1 },
          ),
          unbatch(),
          mapConcurrent((value: Value) => slow(clock, 10 + ((Number(value) * 37) % 90), value), { concurrency: 64 }),
        ),
      { ordering: 'none' },
      { maxRecordsInFlight },
    );
    await feed(numbers(records));
    await clock.advance(30_000);
    await app.drain({ deadlineMs: 1_000 });
    return { sizes, done: outputs().length };
  };

  it('sends full batches although places come free one by one', async () => {
    const { sizes, done } = await run(500, 3_000);
    expect(done).toBe(3_000);
    expect(sizes.length).toBeLessThanOrEqual(3_000 / 30); // 94 would be the least; 20 times as many were seen
  });

  it('sends what there is where the window is narrower than a batch', async () => {
    const { sizes, done } = await run(20, 300);
    expect([done, sizes[0]]).toEqual([300, 20]);
    expect(sizes.length).toBeLessThanOrEqual(300 / 4);
  });

  it('finds the size that the target allows: one batch waits behind each call, so a size comes twice', async () => {
    const { start, feed, clock, outputs } = await mill();
    const sizes: number[] = [];
    const app = await start(
      (source) =>
        source.pipe(
          batching({ maxSize: adaptive({ targetLatencyMs: 50 }) }),
          mapConcurrent(
            (values: readonly Value[]) => {
              sizes.push(values.length);
              return slow(clock, 10 + values.length, values);
            },
            { concurrency: 1 },
          ),
          unbatch(),
        ),
      { ordering: 'none' },
    );
    await feed(numbers(4_000));
    await clock.advance(30_000);
    await app.drain({ deadlineMs: 1_000 });
    expect(outputs()).toHaveLength(4_000);
    expect(sizes.slice(0, 16)).toEqual([1, 1, 2, 2, 4, 4, 8, 8, 16, 16, 32, 32, 64, 64, 43, 43]);
    expect(new Set(sizes.slice(16, -1))).toEqual(new Set([38])); // 48 ms of 50
  });
});

describe('batchWithin when nothing more can come', () => {
  const waiting = async (maxRecordsInFlight: number) => {
    const made = await mill();
    const app = await made.start(
      (source) =>
        source.pipe(
          mapConcurrent((value: Value) => call(() => Promise.resolve(value)), { concurrency: 8 }),
          batchWithin({ maxSize: 32, maxWaitMs: 60_000 }),
          unbatch(),
        ),
      { ordering: 'none' },
      { maxRecordsInFlight },
    );
    return { ...made, app };
  };

  it('sends at once what fills the window alone', async () => {
    const { feed, clock, outputs } = await waiting(5);
    await feed(numbers(12));
    await clock.advance(1_000);
    expect(outputs()).toHaveLength(10); // for two more there is room
  });

  it('sends the rest at once when the source is drained', async () => {
    const { feed, clock, outputs, app } = await waiting(5);
    await feed(numbers(2));
    await clock.advance(1_000);
    expect(outputs()).toHaveLength(0);
    const drained = app.drain({ deadlineMs: 10_000 });
    await clock.advance(500);
    expect(outputs()).toHaveLength(2);
    await drained;
  });
});
