import { EMPTY, map, merge, mergeMap, NEVER, Observable, of, share, take } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { call } from '../../src/call.ts';
import { mapConcurrent } from '../../operators/map-concurrent.ts';
import { mapValue } from '../../operators/map-value.ts';
import { sleep } from '../../src/clock.ts';
import type { Envelope } from '../../src/record/envelope.ts';
import { mill, numbers, sorted, upTo, type Value } from '../helpers/mill.ts';

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
    const app = await m.start((s) => {
      built += 1;
      const ending = new Observable<never>((out) => {
        const end = (): void => {
          out.error(new Error('cannot go on'));
        };
        if (built === 1) m.clock.schedule(10, end);
        else end();
      });
      return merge(s, ending);
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
    expect([m.outputs(), m.letters()[0]?.header('millrace.error.code')]).toEqual([[], 'lineage_reused']);
    expect(m.letters()[0]?.header('__streams.errors.message')).toContain('in/0@0 was used twice');
  });

  it.each<{ how: string; twice: (s: Observable<Envelope<Value>>) => Observable<Envelope<Value>> }>([
    {
      how: 'two branches of a shared source',
      twice: (s) => {
        const shared = s.pipe(share());
        return merge(shared.pipe(mapValue((v) => v)), shared.pipe(mapValue((v) => v)));
      },
    },
    { how: 'the end, twice', twice: (s) => s.pipe(mergeMap((e) => of(e, e))) },
  ])('fails the records whose envelopes go two ways, and does not restart: $how', async ({ twice }) => {
    const m = await mill();
    await m.feed(numbers(8));
    const app = await m.start(twice);
    await m.clock.advance(5_000);
    expect(m.letters().map(({ header }) => header('millrace.error.code'))).toEqual(Array.from({ length: 8 }, () => 'lineage_reused'));
    expect(app.stats()).toMatchObject({ done: 0, failed: 8, restarts: 0 });
  });

  it.each<{ what: string; process: (s: Observable<Envelope<Value>>) => unknown; why: RegExp }>([
    {
      what: 'an operator is given a wrong option',
      process: (s) => s.pipe(mapConcurrent((v) => of(v), { concurrency: 0 })),
      why: /concurrency must be/,
    },
    {
      what: 'process throws',
      process: () => {
        throw new Error('no such model');
      },
      why: /does not build a stream: no such model/,
    },
    { what: 'process returns nothing', process: () => undefined, why: /must return the Observable.*got undefined: is a return missing/ },
    { what: 'the stream completes at once', process: () => EMPTY, why: /completed at once/ },
    { what: 'the source is not used', process: () => NEVER, why: /does not subscribe to its source/ },
  ])('does not start when $what', async ({ process, why }) => {
    const m = await mill();
    await expect(m.start(process as Parameters<typeof m.start>[0])).rejects.toThrow(why);
    expect(m.transport.broker.members('mill')).toEqual([]);
  });

  it('says what was given to it instead of an envelope', async () => {
    const m = await mill();
    await m.feed([{ value: 1 }]);
    await m.start((s) => s.pipe(map(({ value }) => value)) as never);
    await m.clock.advance(5_000);
    expect(m.letters()[0]?.header('__streams.errors.message')).toMatch(/was given number instead of an envelope: use mapValue/);
  });
});
