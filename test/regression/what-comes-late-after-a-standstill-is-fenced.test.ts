import { finalize, NEVER, Observable, of, switchMap, throwError } from 'rxjs';
import { expect, it } from 'vitest';
import { mapConcurrent } from '../../operators/index.ts';
import type { OwnedPartition, Transport } from '../../src/transport/transport.ts';
import { mill, numbers, type Mill } from '../helpers/mill.ts';
import { passThroughConsumer } from '../helpers/pass-through.ts';

/** A transport whose session has ended while nobody looked: that is told when it is asked, as on waking up, and not before. */
function fallAsleep(transport: Transport): { ended: boolean; lost: number } {
  const state = { ended: false, lost: 0 };
  const join = transport.consume.bind(transport);
  const consume: Transport['consume'] = async (options, handlers) => {
    const owned: OwnedPartition[] = [];
    const assigned: typeof handlers.assigned = (gained) => {
      owned.push(...gained);
      handlers.assigned(gained);
    };
    const consumer = await join(options, { ...handlers, assigned });
    const verify = (): void => {
      if (!state.ended || owned.length === 0) return;
      state.lost += 1;
      handlers.lost(owned.splice(0));
    };
    return passThroughConsumer(consumer, { verify });
  };
  Object.assign(transport, { consume });
  return state;
}

interface Seen {
  readonly mill: Mill;
  readonly started: number;
  readonly later: number;
  readonly aborted: number;
}

/** Two calls run when the session ends; the first ends after 1 s, before anybody has told so; the second would never. */
async function wakeUp(records: number, first: (clock: Mill['clock']) => Observable<number>): Promise<Seen> {
  const tried = await mill();
  const state = fallAsleep(tried.transport);
  let [started, later, aborted] = [0, 0, 0];
  await tried.start((source) =>
    source.pipe(
      mapConcurrent(
        () => {
          started += 1;
          return started === 1 ? first(tried.clock) : NEVER.pipe(finalize(() => (aborted += 1)));
        },
        { concurrency: 2 },
      ),
      mapConcurrent(
        (value) => {
          later += 1;
          return of(value);
        },
        { concurrency: 2 },
      ),
    ),
  );
  await tried.feed(numbers(records, records));
  await tried.clock.advance(100);
  expect(started).toBe(2);
  state.ended = true;
  await tried.clock.advance(2_000);
  expect(state.lost).toBe(1);
  return { mill: tried, started, later, aborted };
}

const oneSecond = (clock: Mill['clock']): Observable<number> =>
  new Observable<number>((out) =>
    clock.schedule(1_000, () => {
      out.next(0);
      out.complete();
    }),
  );

it.each([2, 6])('a result that comes after the session goes no further, and no other call begins (%i records)', async (records) => {
  const seen = await wakeUp(records, oneSecond);
  expect(seen).toMatchObject({ started: 2, later: 0, aborted: 1 });
  expect(seen.mill.outputs()).toEqual([]);
  expect(seen.mill.committed()).toEqual([0n]);
});

it.each([2, 6])('a failure that comes after the session is nobody’s dead letter (%i records)', async (records) => {
  const late = new Error('too late');
  const seen = await wakeUp(records, (clock) => oneSecond(clock).pipe(switchMap(() => throwError(() => late))));
  expect(seen).toMatchObject({ started: 2, aborted: 1 });
  expect(seen.mill.letters()).toEqual([]);
});

it('a result that is made and written at once is not, after the session', async () => {
  const tried = await mill();
  const state = fallAsleep(tried.transport);
  await tried.start((source) => source.pipe(mapConcurrent(() => oneSecond(tried.clock), { concurrency: 2 })));
  await tried.feed(numbers(1, 1));
  await tried.clock.advance(100);
  state.ended = true;
  await tried.clock.advance(2_000);
  expect(tried.outputs()).toEqual([]);
});

it('a failure that comes after the session does not stop the pipeline', async () => {
  const tried = await mill();
  const state = fallAsleep(tried.transport);
  const fails = (): Observable<number> => oneSecond(tried.clock).pipe(switchMap(() => throwError(() => new Error('too late'))));
  const app = await tried.start((source) => source.pipe(mapConcurrent(fails, { concurrency: 2 })), { deadLetter: 'stop' });
  await tried.feed(numbers(1, 1));
  await tried.clock.advance(100);
  state.ended = true;
  await tried.clock.advance(2_000);
  expect(app.state).toBe('running');
});
