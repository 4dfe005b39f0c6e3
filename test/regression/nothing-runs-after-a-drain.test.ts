import { map, NEVER, type Observable, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { mapConcurrent } from '../../operators/map-concurrent.ts';
import { mapValue } from '../../operators/map-value.ts';
import type { Envelope } from '../../src/record/envelope.ts';
import { mill, numbers, type Value } from '../helpers/mill.ts';
import { ProcessClock } from '../../src/simulation/process-clock.ts';

type Mill = Awaited<ReturnType<typeof mill>>;
const plain = (s: Observable<Envelope<Value>>): Observable<Envelope<Value>> => s.pipe(mapValue((v) => v));
/** A stream that a record ends, and that cannot be built from then on. */
function breaking(): (s: Observable<Envelope<Value>>) => Observable<Envelope<Value>> {
  let builds = 0;
  const error = (): Error => new Error('unguarded');
  return (s) => {
    builds += 1;
    if (builds > 1) return throwError(() => error());
    return s.pipe(
      map(() => {
        throw error();
      }),
    );
  };
}

// A timer that is left keeps the process alive, and what it does reaches into things that are closed.
describe('a pipeline that was drained', () => {
  it.each([
    { when: 'all is well', process: plain, trouble: (): void => undefined },
    { when: 'commits fail', process: plain, trouble: ({ transport }: Mill): void => transport.broker.failCommits(1_000) },
    { when: 'sends fail', process: plain, trouble: ({ transport }: Mill): void => transport.broker.failSends(1_000) },
    {
      when: 'acknowledgements are late',
      process: plain,
      trouble: ({ transport }: Mill): void => transport.broker.delayAcknowledgements(3_000),
    },
    {
      when: 'the stream waits for its restart',
      process: breaking(),
      trouble: (): void => undefined,
    },
  ])('leaves no timer behind when $when', async ({ process, trouble }) => {
    const m = await mill();
    const clock = new ProcessClock(m.clock);
    const app = await m.start(process, {}, { clock });
    app.done.catch(() => undefined);
    await m.clock.advance(1_000);
    trouble(m);
    await m.feed(numbers(20).map((record) => ({ ...record, partition: 0 })));
    await m.clock.advance(700);
    let timers: number | undefined;
    const drained = app.drain({ deadlineMs: 100 }).then(() => {
      timers = clock.timers;
    });
    await m.clock.advance(60_000);
    await drained;
    expect([timers, app.stats().bytesOutgoing, app.stats().recordsInFlight]).toEqual([0, 0, 0]);
  });

  it('does not own what its group gave it meanwhile', async () => {
    const m = await mill({ partitions: 2 });
    const hang = mapConcurrent<Value, Value, string | null>(() => NEVER, { concurrency: 100 });
    const slow = await m.start((s) => s.pipe(hang));
    const other = await m.start(plain);
    await m.feed(numbers(20));
    await m.clock.advance(1_000);
    const draining = slow.drain({ deadlineMs: 5_000 });
    const leaving = other.drain({ deadlineMs: 0 });
    await m.clock.advance(1_000);
    await leaving;
    expect(m.transport.broker.members('mill')[0]?.owned).toHaveLength(2);
    await m.clock.advance(60_000);
    await draining;
    expect(slow.stats()).toMatchObject({ partitions: 0, bytesAhead: 0, recordsInFlight: 0 });
  });
});
