import { NEVER, Observable, of } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { call } from '../../src/call.ts';
import { mapConcurrent } from '../../operators/map-concurrent.ts';
import { mapValue } from '../../operators/map-value.ts';
import { sleep } from '../../src/clock.ts';
import { mill, numbers, type Value } from '../helpers/mill.ts';

describe('the window', () => {
  it('holds no more than its caps, whatever waits on the topic', async () => {
    const m = await mill({ partitions: 2 });
    await m.feed(numbers(5_000, 5_000));
    let most = 0;
    const app = await m.start(
      (s) =>
        s.pipe(
          mapConcurrent(
            (v) =>
              call(async () => {
                most = Math.max(most, app.stats().recordsInFlight);
                await sleep(m.clock, 10);
                return v;
              }),
            { concurrency: 4 },
          ),
        ),
      {},
      { maxRecordsInFlight: 50 },
    );
    await m.clock.advance(500);
    expect(app.stats()).toMatchObject({ recordsInFlight: 50, pausedBy: 'records in flight' });
    expect(app.stats().bytesAhead).toBeLessThan(2_000 * 200);
    await m.clock.advance(60_000);
    expect([most, m.outputs().length]).toEqual([50, 5_000]);
  });

  it('stops a partition behind one record that does not end, when too much would be done again after a crash', async () => {
    const m = await mill({ partitions: 2 });
    for (const partition of [0, 1]) await m.feed(numbers(500, 500).map((record) => ({ ...record, partition })));
    let release = (): void => undefined;
    let stuck = false;
    const work = mapConcurrent(
      (v: Value, { position }) => {
        if (position?.partition !== 0 || v !== 10 || stuck) return of(v);
        stuck = true;
        return new Observable<Value>((out) => {
          release = () => {
            out.next(v);
            out.complete();
          };
        });
      },
      { concurrency: 4 },
    );
    const app = await m.start((s) => s.pipe(work), {}, { maxAboveWatermark: 100 });
    await m.clock.advance(5_000);
    expect(app.stats()).toMatchObject({ settledBeyond: 99, recordsInFlight: 1 });
    expect(m.committed()).toEqual([10n, 500n]);
    release();
    await m.clock.advance(5_000);
    expect([m.committed(), m.outputs().length, app.stats().settledBeyond]).toEqual([[500n, 500n], 1_000, 0]);
  });

  it('lets a record above the byte cap through alone', async () => {
    const m = await mill();
    await m.feed([...numbers(3), { key: 'big', value: 'x'.repeat(5_000) }, ...numbers(3)]);
    await m.start((s) => s.pipe(mapValue((v) => v)), {}, { maxBytesInFlight: 300 });
    await m.clock.advance(5_000);
    expect(m.outputs()).toHaveLength(7);
  });

  it('is not filled by one partition, or one hot key: others find a place in it at once', async () => {
    const m = await mill({ partitions: 2 });
    await m.feed(Array.from({ length: 200 }, (_, value) => ({ key: 'hot', value, partition: 0 })));
    const work = mapConcurrent((v: Value) => (typeof v === 'number' ? NEVER : of(v)), { concurrency: 8 });
    const app = await m.start((s) => s.pipe(work), {}, { maxRecordsInFlight: 40 });
    await m.clock.advance(1_000);
    expect(app.stats()).toMatchObject({ recordsInFlight: 35, pausedBy: 'the rest of the window is for other partitions' });
    await m.feed([{ key: 'cold', value: 'a', partition: 1 }]);
    await m.clock.advance(1_000);
    expect(m.outputs()).toEqual(['a']);
  });
});
