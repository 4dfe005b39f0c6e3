import { forkJoin, map, type MonoTypeOperatorFunction, type Observable, of } from 'rxjs';
import { describe, expect, it } from 'vitest';
import {
  hedge,
  mapConcurrent,
  retryWithBackoff,
  withBreaker,
  withGate,
  withinBudget,
  withinRate,
  withPermit,
} from '../../operators/index.ts';
import { call } from '../../src/call.ts';
import { type Clock, sleep } from '../../src/clock.ts';
import { OverloadError } from '../../src/errors.ts';
import { circuitBreaker } from '../../src/policies/circuit-breaker.ts';
import { engineGate } from '../../src/policies/engine-gate.ts';
import { permits } from '../../src/policies/permits.ts';
import { rateLimit } from '../../src/policies/rate-limit.ts';
import { tokenBudget } from '../../src/policies/token-budget.ts';
import { mill, numbers, sorted, upTo, type Value } from '../helpers/mill.ts';

type Policy = MonoTypeOperatorFunction<Value>;

/** Drains a pipeline that has taken ten records of `project`, and says how long that took. */
async function drained(project: (value: Value, work: Observable<Value>, clock: Clock) => Observable<Value>) {
  const m = await mill();
  await m.feed(numbers(10, 10));
  const calls: Value[] = [];
  const ended: Value[] = [];
  const work = (value: Value): Observable<Value> =>
    call(async ({ signal }) => {
      calls.push(value);
      await sleep(m.clock, 500, signal);
      ended.push(value);
      return value;
    });
  const app = await m.start((s) => s.pipe(mapConcurrent((v) => project(v, work(v), m.clock), { concurrency: 10 })));
  await m.clock.advance(100);
  const startMs = m.clock.nowMs();
  let tookMs = Infinity;
  const done = app.drain({ deadlineMs: 60_000 }).then(() => (tookMs = m.clock.nowMs() - startMs));
  await m.clock.advance(70_000);
  await done;
  return { m, calls, ended, tookMs, app };
}

const taken = () => {
  const slots = permits(1);
  slots.acquire(() => undefined);
  return slots;
};

describe('a drain', () => {
  it.each<{ policy: string; make: () => Policy }>([
    { policy: 'a permit', make: () => withPermit(taken()) },
    { policy: 'a gate', make: () => withGate(engineGate({ engine: 'other', read: () => new Promise(() => undefined) })) },
    {
      policy: 'a budget, having asked for an estimate',
      make: () => {
        const budget = withinBudget<Value>(tokenBudget({ tokensPerMinute: 1 }), { estimate: () => of(1) });
        return (source) => source.pipe(withPermit(taken()), budget);
      },
    },
    {
      policy: 'a permit, having passed gates of other kinds',
      make: () => {
        const rate = withinRate<Value>(rateLimit({ capacity: 100, refillPerSecond: 100 }));
        const slot = withPermit<Value>(taken());
        return (source) => source.pipe(slot, rate, withPermit(permits(100)));
      },
    },
  ])('gives back at once what only waits for $policy', async ({ make }) => {
    const policy = make();
    const { m, calls, tookMs, app } = await drained((_value, work) => work.pipe(policy));
    expect([calls, m.committed()]).toEqual([[], [0n]]);
    expect(app.stats().givenBack).toBeGreaterThan(0); // some hold the source before all are taken
    expect(tookMs).toBeLessThan(3_000);
  });

  it('waits for the call that runs, and makes none of those that wait for it', async () => {
    const slots = permits(3);
    const { m, calls, ended, app } = await drained((_value, work) => work.pipe(withPermit(slots)));
    expect([sorted(calls), sorted(ended), app.stats().givenBack, m.committed()]).toEqual([upTo(3), upTo(3), 7, [3n]]);
    await m.start((s) => s.pipe(mapConcurrent((v) => of(v), { concurrency: 10 })));
    await m.clock.advance(1_000);
    expect(sorted(m.outputs())).toEqual(upTo(10));
  });

  it('waits for a call of which one part runs while another one waits', async () => {
    const [first, second] = [permits(100), permits(1)];
    const { ended, app } = await drained((value, work) =>
      forkJoin([work.pipe(withPermit(first)), work.pipe(withPermit(second))]).pipe(map(() => value)),
    );
    expect([sorted([...new Set(ended)]), app.stats().givenBack]).toEqual([upTo(10), 0]);
  });

  it('waits for the first attempt while a second one waits beside it', async () => {
    const slots = permits(10);
    const { ended, app } = await drained((_value, work) => work.pipe(withPermit(slots), hedge({ afterMs: 50 })));
    expect([sorted(ended), app.stats().givenBack]).toEqual([upTo(10), 0]);
  });

  it('does not wait for calls that wait for a breaker to close', async () => {
    const breaker = circuitBreaker({ failures: 1, openMs: 600_000, maxOpenMs: 600_000 });
    const slots = permits(100);
    let calls = 0;
    const failing = (clock: Clock) =>
      call<never>(async ({ signal }) => {
        calls += 1;
        await sleep(clock, 10, signal);
        throw new OverloadError('down');
      });
    const { app, tookMs } = await drained((_value, _work, clock) =>
      failing(clock).pipe(withPermit<never>(slots), withBreaker<never>(breaker), retryWithBackoff()),
    );
    expect(calls).toBeGreaterThan(0);
    expect(app.stats()).toMatchObject({ failed: 0 });
    expect(app.stats().givenBack).toBeGreaterThan(0);
    expect(tookMs).toBeLessThan(3_000);
  });
});
