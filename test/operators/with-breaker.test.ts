import { defer, NEVER, type Observable, of, switchMap, throwError, timer } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { fallbackTo, mapConcurrent, retryWithBackoff, withBreaker } from '../../operators/index.ts';
import { BreakerOpenError, InferenceError, OverloadError, RecordError } from '../../src/errors.ts';
import { circuitBreaker, type CircuitBreaker } from '../../src/policies/circuit-breaker.ts';
import { type VirtualClock, virtualClock } from '../../src/testing.ts';
import { marbles } from '../helpers/marbles.ts';
import { mill, numbers, sorted, upTo, type Value } from '../helpers/mill.ts';
import { testScope, type TestScope, within } from '../helpers/scope.ts';

const down = new InferenceError('model_unavailable', 'down');
const later = <T>(ms: number, work: Observable<T>): Observable<T> => timer(ms).pipe(switchMap(() => work));

/** A breaker that the first failure opens, for 100 ms. */
const opened = (scope: TestScope, options = {}): CircuitBreaker => {
  const breaker = circuitBreaker({ failures: 1, openMs: 100, ...options });
  within(scope, throwError(() => down).pipe(withBreaker(breaker))).subscribe({ error: () => undefined });
  return breaker;
};

/** Subscribes, and tells what came: values, the error, or `complete`. */
const watch = (scope: TestScope, work: Observable<unknown>) => {
  const seen: unknown[] = [];
  const subscription = within(scope, work).subscribe({
    next: (value) => seen.push(value),
    error: (error: unknown) => seen.push(error),
    complete: () => seen.push('complete'),
  });
  return { seen, subscription };
};

describe('withBreaker', () => {
  it('lets calls through until too many failed; then they wait, one probes, its success closes it, and the others begin in turn', () => {
    marbles(({ cold, clock, expectObservable, expectSubscriptions }) => {
      const breaker = circuitBreaker({ failures: 2, openMs: 10, recoveryMs: 4 });
      const scope = testScope(clock, { random: () => 1 });
      const guarded = (work: Observable<string>): Observable<string> => within(scope, work.pipe(withBreaker(breaker)));
      const calls = ['-#', '--#', '-(c|)', '-(d|)', '-(e|)'].map((diagram) => cold(diagram, undefined, down));
      const [a, b, c, d, e] = calls as [(typeof calls)[0], (typeof calls)[0], (typeof calls)[0], (typeof calls)[0], (typeof calls)[0]];
      expectObservable(guarded(a)).toBe('-#', undefined, down);
      expectObservable(guarded(b)).toBe('--#', undefined, down);
      expectObservable(later(3, guarded(c))).toBe('-------------(c|)');
      expectObservable(later(4, guarded(d))).toBe('------------------(d|)');
      expectObservable(later(14, guarded(e))).toBe('---------------(e|)');
      expectSubscriptions(a.subscriptions).toBe('^!');
      expectSubscriptions(b.subscriptions).toBe('^-!');
      expectSubscriptions(c.subscriptions).toBe('------------^!');
      expectSubscriptions(d.subscriptions).toBe('-----------------^!');
      expectSubscriptions(e.subscriptions).toBe('--------------^!');
    });
  });

  it('aborts the call when downstream leaves, and lets the next one probe in its place', () => {
    marbles(({ cold, clock, expectObservable, expectSubscriptions }) => {
      const scope = testScope(clock, { random: () => 1 });
      const breaker = opened(scope, { openMs: 5 });
      const first = cold('----------|');
      const second = cold('-(b|)');
      expectObservable(within(scope, first.pipe(withBreaker(breaker))), '-------!').toBe('--------');
      expectObservable(within(scope, second.pipe(withBreaker(breaker)))).toBe('--------(b|)');
      expectSubscriptions(first.subscriptions).toBe('-----^-!');
      expectSubscriptions(second.subscriptions).toBe('-------^!');
    });
  });

  it('holds the source and stops the time of the record while it waits', async () => {
    const clock = virtualClock();
    const scope = testScope(clock, { random: () => 1 });
    const breaker = opened(scope);
    const { seen } = watch(scope, of('a').pipe(withBreaker(breaker)));
    expect([scope.holds, scope.waits, breaker.waiting]).toEqual([
      [{ reason: 'a circuit breaker is open', untilMs: 100 }],
      ['a circuit breaker is open'],
      1,
    ]);
    await clock.advance(100);
    expect([seen, scope.waits, breaker.waiting]).toEqual([['a', 'complete'], [], 0]);
  });

  it('gives up its place, its wait and its timer when downstream leaves', async () => {
    const clock = virtualClock();
    const scope = testScope(clock, { random: () => 1 });
    const breaker = opened(scope);
    const all = upTo(200).map(() => watch(scope, NEVER.pipe(withBreaker(breaker))).subscription);
    for (const one of all) one.unsubscribe();
    expect([scope.waits, breaker.waiting]).toEqual([[], 0]);
    await clock.runUntilIdle();
    expect(clock.nowMs()).toBe(0);
  });

  it('gives up its turn, too', async () => {
    const clock = virtualClock();
    const scope = testScope(clock, { random: () => 1 });
    const breaker = opened(scope);
    watch(scope, of('probe').pipe(withBreaker(breaker)));
    const { seen, subscription } = watch(scope, of('never').pipe(withBreaker(breaker)));
    await clock.advance(100);
    expect(breaker.waiting).toBe(1);
    subscription.unsubscribe();
    await clock.runUntilIdle();
    expect([seen, breaker.waiting, scope.waits, clock.nowMs()]).toEqual([[], 0, [], 100]);
  });

  it('is open for longer with each probe that fails, and tells those who wait', async () => {
    const clock = virtualClock();
    const scope = testScope(clock, { random: () => 1, waitsOut: true });
    const breaker = opened(scope);
    const failing = watch(scope, throwError(() => down).pipe(withBreaker(breaker)));
    watch(scope, of('b').pipe(withBreaker(breaker)));
    await clock.advance(100);
    expect(failing.seen).toEqual([expect.objectContaining({ code: 'breaker_open', grade: 'overload', retryAfterMs: 200, cause: down })]);
    expect(scope.holds.at(-1)?.untilMs).toBe(300);
    expect(breaker.phase(299)).toBe('open');
    await clock.advance(200);
    expect(breaker.phase(clock.nowMs())).toBe('closed');
  });

  it.each<{ what: string; error: Error; opens: boolean }>([
    { what: 'a broken service', error: down, opens: true },
    { what: 'an overload', error: new OverloadError('busy'), opens: true },
    { what: 'a timeout', error: new InferenceError('call_timeout', 'slow'), opens: true },
    { what: 'a fault of the record', error: new RecordError('model_rejected', 'no'), opens: false },
    { what: 'a fault of the pipeline', error: new InferenceError('model_unauthorized', 'no'), opens: false },
    { what: 'a cancellation', error: new DOMException('stop', 'AbortError'), opens: false },
  ])('$what opens it: $opens', ({ error, opens }) => {
    const clock = virtualClock();
    const breaker = circuitBreaker({ failures: 1 });
    watch(testScope(clock), throwError(() => error).pipe(withBreaker(breaker)));
    expect(breaker.phase(0)).toBe(opens ? 'open' : 'closed');
  });

  it('asks isFailure, but never for a cancellation', () => {
    const breaker = circuitBreaker({ failures: 1, isFailure: () => true });
    const clock = virtualClock();
    watch(testScope(clock), throwError(() => new DOMException('stop', 'AbortError')).pipe(withBreaker(breaker)));
    expect(breaker.phase(0)).toBe('closed');
    watch(testScope(clock), throwError(() => new RecordError('model_rejected', 'no')).pipe(withBreaker(breaker)));
    expect(breaker.phase(0)).toBe('open');
  });

  it('is open for at least as long as the service asks', () => {
    const clock = virtualClock();
    const breaker = circuitBreaker({ failures: 1, openMs: 100 });
    watch(testScope(clock), throwError(() => new OverloadError('busy', { retryAfterMs: 5000 })).pipe(withBreaker(breaker)));
    expect([breaker.phase(4999), breaker.phase(5000)]).toEqual(['open', 'half-open']);
  });

  it('a failed call keeps its own error where nobody waits for the breaker', () => {
    const clock = virtualClock();
    const { seen } = watch(testScope(clock), throwError(() => down).pipe(withBreaker(circuitBreaker({ failures: 1 }))));
    expect(seen).toEqual([down]);
  });

  it('goes to the fallback at once while it is open, apart from the probe', async () => {
    const clock = virtualClock();
    const scope = testScope(clock, { random: () => 1 });
    const breaker = opened(scope);
    let calls = 0;
    const work = defer(() => {
      calls += 1;
      return throwError(() => down);
    });
    const guarded = work.pipe(withBreaker(breaker), retryWithBackoff(), fallbackTo(of('rule')));
    const seen = upTo(10).map(() => watch(scope, guarded).seen);
    expect([calls, seen, scope.waits]).toEqual([0, Array(10).fill(['rule', 'complete']), []]);
    await clock.advance(100);
    const again = upTo(10).map(() => watch(scope, guarded).seen);
    expect([calls, again]).toEqual([1, Array(10).fill(['rule', 'complete'])]);
  });

  it('goes to whichever fallback of a chain takes it', () => {
    const scope = testScope(virtualClock(), { random: () => 1 });
    const guarded = of('a').pipe(withBreaker(opened(scope)), fallbackTo(of('b'), { when: () => false }), fallbackTo(of('c')));
    expect(watch(scope, guarded).seen).toEqual(['c', 'complete']);
  });

  it('waits where the fallback does not take an open breaker', () => {
    const scope = testScope(virtualClock(), { random: () => 1 });
    const breaker = opened(scope);
    const { seen } = watch(
      scope,
      of('a').pipe(withBreaker(breaker), fallbackTo(of('rule'), { when: (error) => !(error instanceof BreakerOpenError) })),
    );
    expect([seen, breaker.waiting]).toEqual([[], 1]);
  });

  it('describes itself', () => {
    const scope = testScope(virtualClock(), { random: () => 1 });
    const breaker = opened(scope);
    watch(scope, NEVER.pipe(withBreaker(breaker)));
    expect(breaker.describe(50)).toEqual({
      ...{ name: 'circuitBreaker', kind: 'circuit-breaker', used: 0, limit: 1, waiting: 1, pausedUntilMs: 100 },
      ...{ reason: 'the circuit breaker is open', numbers: { open_degree: 2, openings_total: 1 } },
    });
    expect(circuitBreaker().describe(0)).toEqual({
      ...{ name: 'circuitBreaker', kind: 'circuit-breaker', used: 0, limit: 5, waiting: 0, numbers: { open_degree: 0, openings_total: 0 } },
    });
  });

  it.each<[object, string]>([
    [{ failures: 0 }, 'circuitBreaker.failures must be an integer >= 1, got 0'],
    [{ failureShare: 1.5 }, 'circuitBreaker.failureShare must be a number above 0 and at most 1, got 1.5'],
    [{ windowMs: 100 }, 'circuitBreaker.windowMs and minCalls belong to failureShare'],
    [{ openMs: 100, maxOpenMs: 50 }, 'circuitBreaker.maxOpenMs must be a number >= 100, got 50'],
    [{ probes: 0 }, 'circuitBreaker.probes must be an integer >= 1, got 0'],
    [{ isfailure: 1 }, 'did you mean isFailure?'],
  ])('refuses %j when it is called', (options, message) => {
    expect(() => circuitBreaker(options)).toThrow(message);
  });

  it('refuses what is no breaker', () => {
    expect(() => withBreaker({} as never)).toThrow('withBreaker must be given a circuitBreaker({ … }), got one without enter()');
  });
});

describe('a pipeline whose service is down for 30 s', () => {
  const concurrency = 32;
  const records = 3000;

  /** Calls take 20 ms; all that begin in the outage fail. */
  const outage = async (own: boolean) => {
    const m = await mill();
    const calls: { atMs: number; isRetry: boolean }[] = [];
    const called = new Set<Value>();
    const breaker = circuitBreaker();
    const beganMs = m.clock.nowMs();
    const service = (clock: VirtualClock, value: Value): Observable<Value> =>
      defer(() => {
        const atMs = clock.nowMs() - beganMs;
        calls.push({ atMs, isRetry: called.has(value) });
        called.add(value);
        const fails = atMs >= 1000 && atMs < 31_000;
        return new Promise<Value>((resolve, reject) => {
          clock.schedule(20, () => {
            if (fails) reject(down);
            else resolve(value);
          });
        });
      });
    const app = await m.start(
      (s) =>
        s.pipe(
          mapConcurrent(
            (value) => {
              const guarded = service(m.clock, value).pipe(withBreaker(breaker));
              return own ? guarded.pipe(retryWithBackoff({ attempts: 2 })) : guarded;
            },
            { concurrency },
          ),
        ),
      { ordering: 'none', deadlineMs: 10_000 },
    );
    await m.feed(numbers(records));
    let held = false;
    for (let i = 0; i < 460; i += 1) {
      await m.clock.advance(100);
      held ||= app.stats().holds.some(({ reason }) => reason === 'a circuit breaker is open');
    }
    const letters = m.letters().length;
    await app.drain({ deadlineMs: 0 });
    return { calls, letters, held, outputs: m.outputs(), app };
  };

  it.each([{ own: false }, { own: true }])(
    'dead-letters nothing, hardly calls, and comes back alone without a herd (retryWithBackoff: $own)',
    async ({ own }) => {
      const { calls, letters, held, outputs } = await outage(own);
      expect([letters, held]).toEqual([0, true]);
      expect(sorted(outputs)).toEqual(upTo(records)); // 15 s after it was over
      expect(calls.length).toBeLessThanOrEqual(1.1 * records);
      // the window of 30 s takes little more than the calls that were under way when it began
      expect(calls.filter(({ atMs }) => atMs >= 1000 && atMs < 31_000).length).toBeLessThanOrEqual(concurrency * 2 + 10);
      const retries = calls.filter(({ isRetry, atMs }) => isRetry && atMs >= 31_000).map(({ atMs }) => Math.floor(atMs / 100));
      const fullest = Math.max(...[...new Set(retries)].map((bucket) => retries.filter((one) => one === bucket).length));
      expect(fullest).toBeLessThanOrEqual(0.2 * retries.length);
    },
  );
});
