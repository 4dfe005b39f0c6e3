import { filter, Observable, of } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { call } from '../../src/call.ts';
import { mapConcurrent } from '../../operators/map-concurrent.ts';
import { mapValue } from '../../operators/map-value.ts';
import { keepOnly } from '../../operators/keep-only.ts';
import { split } from '../../operators/split.ts';
import { sleep } from '../../src/clock.ts';
import { mill, numbers, sorted, upTo, type Value } from '../helpers/mill.ts';

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
