import { delayWhen, filter, mergeMap, NEVER, Observable, of, Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { call } from '../../src/call.ts';
import { mapConcurrent } from '../../operators/map-concurrent.ts';
import { sleep } from '../../src/clock.ts';
import { mill, numbers, sorted, type Value } from '../helpers/mill.ts';

describe('a lost envelope', () => {
  it.each([
    { by: 'filter', process: (s: Observable<never>) => s.pipe(filter((e) => (e as { value: Value }).value !== 3)) },
    {
      by: 'a call that forgets it',
      process: (s: Observable<never>) => s.pipe(mergeMap((e) => ((e as { value: Value }).value === 3 ? NEVER : of(e)))),
    },
  ])('is found by its garbage when $by loses it', async ({ process }) => {
    const m = await mill();
    await m.feed(numbers(6));
    await m.start(process as never);
    await m.clock.advance(1_000);
    for (let i = 0; i < 50 && m.letters().length === 0; i += 1) {
      globalThis.gc?.();
      await m.clock.advance(100);
    }
    await m.clock.advance(1_000);
    expect(m.letters().map(({ value, header }) => [value, header('millrace.error.code')])).toEqual([['3', 'envelope_lost']]);
    expect([sorted(m.outputs()), m.committed()]).toEqual([[0, 1, 2, 4, 5], [6n]]);
  });

  it('is found by its deadline when something still holds it', async () => {
    const m = await mill();
    await m.feed(numbers(6));
    const kept: unknown[] = [];
    await m.start(
      (s) =>
        s.pipe(
          filter((e) => {
            if (e.value === 3) kept.push(e);
            return e.value !== 3;
          }),
        ),
      { deadlineMs: 5_000 },
    );
    await m.clock.advance(4_000);
    expect(m.letters()).toEqual([]);
    await m.clock.advance(2_000);
    expect(m.letters()[0]?.header('millrace.error.code')).toBe('envelope_lost');
    expect([kept.length, m.committed()]).toEqual([1, [6n]]);
  });

  it('is not what a call is that takes longer than its deadline: that is aborted', async () => {
    const m = await mill();
    await m.feed(numbers(3, 3));
    let aborted = 0;
    await m.start(
      (s) =>
        s.pipe(
          mapConcurrent(
            (v) =>
              v === 1
                ? new Observable<Value>(() => () => {
                    aborted += 1;
                  })
                : of(v),
            { concurrency: 1 },
          ),
        ),
      { deadlineMs: 5_000 },
    );
    await m.clock.advance(6_000);
    expect([aborted, m.letters()[0]?.header('millrace.error.code'), m.committed()]).toEqual([1, 'deadline_exceeded', [3n]]);
  });

  it('is not what waits for a slow model: the time of a record starts with its call', async () => {
    const m = await mill();
    await m.feed(numbers(30, 30));
    await m.start(
      (s) =>
        s.pipe(
          mapConcurrent(
            (v) =>
              call(async () => {
                await sleep(m.clock, 900);
                return v;
              }),
            { concurrency: 1 },
          ),
        ),
      { deadlineMs: 1_000 },
    );
    await m.clock.advance(60_000);
    expect([m.outputs().length, m.letters().length]).toEqual([30, 0]);
  });
});

describe('a record that nobody works on', () => {
  it('is named long before its deadline, until it goes on', async () => {
    const m = await mill();
    await m.feed([{ value: 1 }]);
    const going = new Subject<void>();
    const app = await m.start((s) => s.pipe(delayWhen(() => going)));
    await m.clock.advance(9_000);
    expect(app.stats().troubles).toEqual([]);
    await m.clock.advance(2_000);
    expect(app.stats().troubles).toEqual([expect.stringMatching(/^for 10 s no operator has worked on record in\/0@0 .*keepOnly/)]);
    going.next();
    await m.clock.advance(1_000);
    expect([app.stats().troubles, m.outputs()]).toEqual([[], [1]]);
  });

  it('is not one that a call runs for, or that waits for one', async () => {
    const m = await mill();
    await m.feed(numbers(3));
    const app = await m.start((s) => s.pipe(mapConcurrent(() => NEVER, { concurrency: 1 })));
    await m.clock.advance(60_000);
    expect(app.stats().troubles).toEqual([]);
  });
});
