import { AsyncLocalStorage } from 'node:async_hooks';
import { catchError, EMPTY, map, mergeMap, NEVER, Observable, of, Subject, Subscription, takeUntil, timeout } from 'rxjs';
import { callTimeout, mapConcurrent, mapValue, withPermit } from '../../../operators/index.ts';
import { systemClock } from '../../../src/clock.ts';
import { Fifo } from '../../../src/fifo.ts';
import { permits } from '../../../src/policies/permits.ts';
import { schedule } from '../../../src/policies/schedule.ts';
import type { Envelope } from '../../../src/record/envelope.ts';
import { testScope, within } from '../../helpers/scope.ts';
import { through, type Way } from './million.ts';

const concurrency = 32;
const scope = testScope(systemClock);
const fails = (error: unknown): void => {
  throw error;
};

/** All wait, and then one call after another ends. */
function waiting(values: number, options: Partial<Parameters<typeof mapConcurrent>[1]>): number {
  const ends = new Fifo<() => void>();
  const later = (value: number): Observable<number> =>
    new Observable((out) => {
      ends.push(() => {
        out.next(value);
        out.complete();
      });
    });
  return through(mapConcurrent(later, { concurrency, ...options }), values, () => {
    for (let end = ends.shift(); end; end = ends.shift()) end();
  });
}

const timers = (): number => process.getActiveResourcesInfo().filter((one) => one === 'Timeout').length;

/** So many calls that run, each with its time, and are given up. */
function running(values: number, call: () => Observable<unknown>): number {
  const before = timers();
  const all = Array.from({ length: values }, () => within(scope, call()).subscribe({ error: fails }));
  for (const one of all) one.unsubscribe();
  return timers() - before;
}

/** One call holds the permit; when it ends, those that wait have theirs. */
function queued(values: number): number {
  const one = permits(1);
  let ended = 0;
  const holder = new Subscription();
  const call = new Observable<never>((out) => holder.add(() => out.complete()));
  within(scope, call.pipe(withPermit(one))).subscribe({ error: fails });
  for (let i = 0; i < values; i += 1) within(scope, of(i).pipe(withPermit(one))).subscribe({ complete: () => (ended += 1), error: fails });
  holder.unsubscribe();
  return one.waiting + one.used + values - ended;
}

function tenants(values: number): number {
  const order = schedule({ tenants: { of: (value) => String(value) } });
  const left = waiting(values, { schedule: order });
  const { used, waiting: stays, numbers } = order.describe(0);
  return left + used + stays + (numbers?.['waiting_tenants'] ?? 0);
}

const storage = new AsyncLocalStorage<object>();

/** What `mergeMap` does by itself. */
const bare = mergeMap((envelope: Envelope<number>) => of(envelope.value).pipe(map((value) => envelope.with(value))), concurrency);

/** The same work: wherever in a call one asks, it knows its record; it ends with its record, and its failure is that of its record alone. */
const merged = mergeMap((envelope: Envelope<number>) => {
  const call = new Observable<number>((out) => storage.run({ envelope, attempt: 1 }, () => of(envelope.value).subscribe(out)));
  return call.pipe(
    map((value) => envelope.with(value)),
    catchError(() => EMPTY),
    takeUntil(new Subject<void>()),
  );
}, concurrency);

export const ways: Readonly<Record<string, Way>> = {
  "RxJS's map": {
    work: (values) =>
      through(
        map((envelope) => envelope.with(envelope.value + 1)),
        values,
      ),
  },
  mapValue: {
    work: (values) =>
      through(
        mapValue((value) => value + 1),
        values,
      ),
    against: "RxJS's map",
  },
  "RxJS's mergeMap alone": { work: (values) => through(bare, values) },
  "RxJS's mergeMap with a scope, an end and a catch": { work: (values) => through(merged, values) },
  mapConcurrent: {
    work: (values) =>
      through(
        mapConcurrent((value) => of(value), { concurrency }),
        values,
      ),
    against: "RxJS's mergeMap with a scope, an end and a catch",
  },
  'mapConcurrent, all of them waiting': { work: (values) => waiting(values, {}) },
  'mapConcurrent with a schedule, each a tenant of its own': { work: tenants },
  "RxJS's timeout": { work: (values) => running(values, () => NEVER.pipe(timeout(60_000))) },
  callTimeout: { work: (values) => running(values, () => NEVER.pipe(callTimeout({ ms: 60_000 }))), against: "RxJS's timeout" },
  'withPermit, all of them waiting': { work: queued },
};
