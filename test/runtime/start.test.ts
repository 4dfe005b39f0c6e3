import { asapScheduler, filter, map, mergeMap, NEVER, Observable, observeOn, of, take, timer } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { call } from '../../src/call.ts';
import { mapConcurrent } from '../../operators/map-concurrent.ts';
import { mapValue } from '../../operators/map-value.ts';
import { keepOnly } from '../../operators/keep-only.ts';
import { split } from '../../operators/split.ts';
import { sleep } from '../../src/clock.ts';
import { mill, numbers, type Value } from '../helpers/mill.ts';

const sorted = (values: readonly Value[]): Value[] => [...values].sort((a, b) => Number(a) - Number(b));
const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

describe('a pipeline', () => {
  it('brings every record through, commits to the end, and stops', async () => {
    const m = await mill({ partitions: 3 });
    await m.feed(numbers(1000));
    const app = await m.start((s) => s.pipe(mapValue((v) => v)));
    await m.clock.advance(1_000);
    expect(sorted(m.outputs())).toEqual(upTo(1000));
    expect(m.committed().reduce((a, b) => a + b)).toBe(1000n);
    expect(app.stats()).toMatchObject({ done: 1000, failed: 0, recordsInFlight: 0, bytesInFlight: 0, lag: 0n, partitions: 3 });
    const drained = app.drain();
    await m.clock.advance(1_000);
    await drained;
    await app.done;
    expect([app.state, m.transport.broker.members('mill')]).toEqual(['stopped', []]);
  });

  it.each([
    { ordering: 'key', concurrency: 16 },
    { ordering: 'partition', concurrency: 16 },
  ] as const)('keeps the order of $ordering although calls take their time', async ({ ordering, concurrency }) => {
    const m = await mill({ partitions: 2 });
    await m.feed(numbers(200));
    const started: Value[] = [];
    await m.start(
      (s) =>
        s.pipe(
          mapConcurrent(
            (v) =>
              call(async () => {
                started.push(v);
                await sleep(m.clock, (Number(v) * 7919) % 97);
                return v;
              }),
            { concurrency },
          ),
        ),
      { ordering },
    );
    await m.clock.advance(60_000);
    const byKey = m.outputsByKey();
    expect([...byKey.values()].flat()).toHaveLength(200);
    for (const values of byKey.values()) expect(values).toEqual(sorted(values));
    for (let key = 0; key < 7; key += 1) {
      const mine = started.filter((v) => Number(v) % 7 === key);
      expect(mine).toEqual(sorted(mine));
    }
  });

  it('does not order without being asked, nor records without a key', async () => {
    const m = await mill();
    await m.feed([3, 2, 1].map((value) => ({ key: null, value })));
    await m.start((s) =>
      s.pipe(
        mapConcurrent(
          (v) =>
            call(async () => {
              await sleep(m.clock, Number(v) * 10);
              return v;
            }),
          { concurrency: 3 },
        ),
      ),
    );
    await m.clock.advance(1_000);
    expect(m.outputs()).toEqual([1, 2, 3]);
  });

  it('never commits past an unsettled record', async () => {
    const m = await mill();
    await m.feed(numbers(100, 100));
    let release = (): void => undefined;
    await m.start((s) =>
      s.pipe(
        mapConcurrent(
          (v) =>
            v === 40
              ? new Observable<Value>((out) => {
                  release = () => {
                    out.next(v);
                    out.complete();
                  };
                })
              : of(v),
          { concurrency: 8 },
        ),
      ),
    );
    await m.clock.advance(5_000);
    expect([m.outputs().length, m.committed()]).toEqual([99, [40n]]);
    release();
    await m.clock.advance(5_000);
    expect([m.outputs().length, m.committed()]).toEqual([100, [100n]]);
  });

  it('settles a split record when all its parts are, and drops what is kept out', async () => {
    const m = await mill();
    await m.feed(numbers(10));
    const app = await m.start((s) =>
      s.pipe(
        keepOnly((v) => Number(v) % 2 === 0),
        split((v) => [v, Number(v) + 100]),
      ),
    );
    await m.clock.advance(1_000);
    expect(sorted(m.outputs())).toEqual(sorted([0, 2, 4, 6, 8].flatMap((v) => [v, v + 100])));
    expect(app.stats()).toMatchObject({ done: 5, dropped: 5 });
    expect(m.committed()).toEqual([10n]);
  });

  it.each([
    {
      fault: 'a call that fails',
      code: 'project_threw',
      process: mapConcurrent(
        (v: Value) =>
          v === 3
            ? new Observable<Value>((o) => {
                o.error(new Error('no luck'));
              })
            : of(v),
        { concurrency: 2 },
      ),
    },
    {
      fault: 'a function that throws',
      code: 'project_threw',
      process: mapValue((v: Value) => {
        if (v === 3) throw new Error('no luck');
        return v;
      }),
    },
    {
      fault: 'a call without result',
      code: 'no_result',
      process: mapConcurrent((v: Value) => of(v).pipe(filter((w) => w !== 3)), { concurrency: 2 }),
    },
    { fault: 'an output that cannot be encoded', code: 'encode_failed', process: mapValue((v: Value) => (v === 3 ? (10n as never) : v)) },
  ])('sends $fault to the dead letters with its story, and goes on', async ({ code, process }) => {
    const m = await mill();
    await m.feed(numbers(6));
    const app = await m.start((s) => s.pipe(process));
    await m.clock.advance(1_000);
    expect(m.outputs()).toEqual([0, 1, 2, 4, 5]);
    const [letter] = m.letters();
    expect(letter?.value).toBe('3');
    expect(letter?.header('millrace.error.code')).toBe(code);
    expect(letter?.header('__streams.errors.topic')).toBe('in');
    expect(letter?.header('__streams.errors.offset')).toBe('3');
    expect(letter?.header('millrace.pipeline')).toBe('mill');
    expect(m.committed()).toEqual([6n]);
    expect(app.stats()).toMatchObject({ done: 5, failed: 1, recordsInFlight: 0 });
  });

  it('sends what is no value to the dead letters without running the pipeline for it', async () => {
    const m = await mill();
    m.feedRaw(Buffer.from('{broken'));
    m.feedRaw(null);
    m.feedRaw(Buffer.from('5'));
    m.transport.broker.appendUndecodable('in', 0, { offsets: 4, reason: 'checksum', bytes: 900 });
    m.feedRaw(Buffer.from('6'));
    await m.start((s) => s.pipe(mapValue((v) => v)));
    await m.clock.advance(1_000);
    expect(m.outputs()).toEqual([5, 6]);
    expect(m.letters().map(({ header }) => header('millrace.error.code'))).toEqual([
      'decode_failed',
      'unexpected_tombstone',
      'undecodable_batch',
    ]);
    expect(m.committed()).toEqual([8n]);
  });

  it("stops at the first failure with deadLetter 'stop', and commits nothing of it", async () => {
    const m = await mill();
    await m.feed(numbers(6));
    const app = await m.start(
      (s) =>
        s.pipe(
          mapValue((v) => {
            if (v === 3) throw new Error('no luck');
            return v;
          }),
        ),
      { deadLetter: 'stop' },
    );
    const failed = expect(app.done).rejects.toThrow('no luck');
    await m.clock.advance(5_000);
    await failed;
    expect([app.state, m.committed(), m.transport.broker.members('mill')]).toEqual(['failed', [3n], []]);
  });
});

describe('a stream that ends before it should', () => {
  const breaking = (when: (v: Value) => boolean) => (s: Observable<never>) =>
    s.pipe(
      map((envelope: never) => {
        if (when((envelope as { value: Value }).value)) throw new Error('unguarded');
        return envelope;
      }),
    );

  it('is restarted; the record at fault is found and dead-lettered, all others come through once', async () => {
    const m = await mill();
    await m.feed(numbers(50, 50));
    const app = await m.start((s) =>
      s.pipe(
        mapConcurrent(
          (v) =>
            call(async () => {
              await sleep(m.clock, 5);
              return v;
            }),
          { concurrency: 8 },
        ),
        breaking((v) => v === 17) as never,
      ),
    );
    await m.clock.advance(60_000);
    expect(sorted(m.outputs())).toEqual(upTo(50).filter((v) => v !== 17));
    expect(m.letters().map(({ value, header }) => [value, header('millrace.error.code')])).toEqual([['17', 'pipeline_threw']]);
    expect([m.committed(), app.stats().restarts]).toEqual([[50n], 2]);
    expect(app.stats()).toMatchObject({ done: 49, failed: 1, givenBack: 0, recordsInFlight: 0 });
  });

  it('finds several records at fault, synchronous ones too', async () => {
    const m = await mill({ partitions: 2 });
    await m.feed(numbers(300));
    await m.start((s) => s.pipe(breaking((v) => Number(v) % 100 === 50) as never));
    await m.clock.advance(60_000);
    expect(sorted(m.outputs())).toEqual(upTo(300).filter((v) => v % 100 !== 50));
    expect(sorted(m.letters().map(({ value }) => Number(value)))).toEqual([50, 150, 250]);
    expect(m.committed().reduce((a, b) => a + b)).toBe(300n);
  });

  it('goes on after it completed early', async () => {
    const m = await mill();
    await m.feed(numbers(20));
    const app = await m.start((s) => s.pipe(take(3)));
    await m.clock.advance(60_000);
    expect(sorted(m.outputs())).toEqual(upTo(20));
    expect(app.stats().restarts).toBeGreaterThan(5);
    expect(m.letters()).toEqual([]);
  });

  it('fails the pipeline when it ends again and again without a record', async () => {
    const m = await mill();
    let built = 0;
    const app = await m.start(() => {
      built += 1;
      return new Observable((out) => {
        out.error(new Error('cannot be built'));
      });
    });
    const failed = expect(app.done).rejects.toMatchObject({ code: 'pipeline_threw' });
    await m.clock.advance(120_000);
    await failed;
    expect(built).toBe(5);
  });

  it('fails an envelope that is used twice, and says where', async () => {
    const m = await mill();
    await m.feed([{ key: 'a', value: 1 }]);
    const slowly = mapConcurrent(
      (v: Value) =>
        call(async () => {
          await sleep(m.clock, 5);
          return v;
        }),
      { concurrency: 2 },
    );
    await m.start((s) =>
      s.pipe(
        mergeMap((e) => of(e, e)),
        slowly,
      ),
    );
    await m.clock.advance(5_000);
    expect([m.outputs(), m.letters()[0]?.header('millrace.error.code')]).toEqual([[], 'pipeline_threw']);
    expect(m.letters()[0]?.header('__streams.errors.message')).toContain('in/0@0 was used twice');
  });
});

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

describe('drain', () => {
  it('waits for what runs, commits it, gives hung calls back, and a next run makes only those again', async () => {
    const m = await mill();
    await m.feed(numbers(10, 10));
    const calls: Value[] = [];
    const work = (hang: boolean) =>
      mapConcurrent(
        (v: Value) => {
          calls.push(v);
          return hang && v === 9
            ? (NEVER as Observable<Value>)
            : call(async () => {
                await sleep(m.clock, 500);
                return v;
              });
        },
        { concurrency: 10 },
      );
    const app = await m.start((s) => s.pipe(work(true)));
    await m.clock.advance(100);
    const drained = app.drain({ deadlineMs: 2_000 });
    await m.clock.advance(10_000);
    await drained;
    expect([m.committed(), app.stats().givenBack, calls.length]).toEqual([[9n], 1, 10]);
    calls.length = 0;
    await m.start((s) => s.pipe(work(false)));
    await m.clock.advance(5_000);
    expect([calls, sorted(m.outputs()), m.committed()]).toEqual([[9], upTo(10), [10n]]);
  });

  it('takes nothing more, and lets batches go that wait for company', async () => {
    const m = await mill();
    await m.feed(numbers(10));
    const app = await m.start((s) => s.pipe(mergeMap((e) => timer(1).pipe(map(() => e)))), {}, {});
    await m.clock.advance(0);
    await new Promise((resume) => {
      setImmediate(resume);
    });
    void app.drain({ deadlineMs: 100 });
    await m.feed(numbers(5));
    await m.clock.advance(1_000);
    expect(app.state).toBe('stopped');
    expect(m.committed()[0]).toBeLessThanOrEqual(10n);
  });
});

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
});

describe('trouble with the log', () => {
  it('waits for a broker that is down, loses nothing, and says so meanwhile', async () => {
    const m = await mill();
    await m.feed(numbers(20, 20));
    const app = await m.start((s) =>
      s.pipe(
        mapConcurrent(
          (v) =>
            call(async () => {
              await sleep(m.clock, 100);
              return v;
            }),
          { concurrency: 2 },
        ),
      ),
    );
    await m.clock.advance(450);
    m.transport.broker.down();
    await m.clock.advance(30_000);
    expect(app.stats().troubles.length).toBeGreaterThan(0);
    m.transport.broker.up();
    await m.clock.advance(30_000);
    expect([sorted(m.outputs()), m.committed(), app.stats().troubles]).toEqual([upTo(20), [20n], []]);
  });

  it('cuts a send that is too large until the record at fault stands alone', async () => {
    const m = await mill({ maxRecordBytes: 2_000 });
    await m.feed(numbers(30));
    await m.start((s) => s.pipe(mapValue((v) => (v === 11 ? 'y'.repeat(5_000) : v))));
    await m.clock.advance(5_000);
    expect(m.outputs()).toEqual(upTo(30).filter((v) => v !== 11));
    expect(m.letters().map(({ value, header }) => [value, header('millrace.error.code')])).toEqual([['11', 'record_too_large']]);
  });

  it('writes a dead letter without its payload when that is too large', async () => {
    const m = await mill({ maxRecordBytes: 2_000 });
    m.transport.broker.append('in', 0, []);
    const big = Buffer.from(JSON.stringify('z'.repeat(1_800)));
    m.feedRaw(big);
    await m.start((s) =>
      s.pipe(
        mapValue(() => {
          throw new Error('no luck');
        }),
      ),
    );
    await m.clock.advance(5_000);
    expect(m.letters().map(({ value, header }) => [value, header('millrace.payload'), header('__streams.errors.offset')])).toEqual([
      ['', 'omitted', '0'],
    ]);
    expect(m.committed()).toEqual([1n]);
  });
});

describe('two members', () => {
  it('share the work; a partition that moves is finished and committed first', async () => {
    const m = await mill({ partitions: 4 });
    await m.feed(numbers(400, 40));
    const calls: Value[] = [];
    const process = mapConcurrent(
      (v: Value) =>
        call(async () => {
          calls.push(v);
          await sleep(m.clock, 20);
          return v;
        }),
      { concurrency: 4 },
    );
    const a = await m.start((s) => s.pipe(process));
    await m.clock.advance(300);
    const b = await m.start((s) => s.pipe(process));
    await m.clock.advance(300);
    expect([a.stats().partitions, b.stats().partitions]).toEqual([2, 2]);
    const drained = a.drain();
    await m.clock.advance(60_000);
    await drained;
    expect(sorted(m.outputs())).toEqual(upTo(400));
    expect(calls).toHaveLength(400);
    expect(m.committed().reduce((x, y) => x + y)).toBe(400n);
  });
});

describe('delayed envelopes', () => {
  it('may pass through operators of RxJS that keep them', async () => {
    const m = await mill();
    await m.feed(numbers(5));
    await m.start((s) => s.pipe(observeOn(asapScheduler)));
    await m.clock.advance(1_000);
    expect(m.outputs()).toEqual(upTo(5));
  });
});
