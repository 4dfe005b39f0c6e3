import { defer, NEVER, Observable, of, Subject, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { cachedBy, fallbackTo, mapConcurrent } from '../../operators/index.ts';
import { currentScope } from '../../src/call.ts';
import { InferenceError } from '../../src/errors.ts';
import { callCache } from '../../src/policies/call-cache.ts';
import { virtualClock } from '../../src/testing.ts';
import { feed } from '../helpers/feed.ts';
import { marbles } from '../helpers/marbles.ts';
import { testScope, within } from '../helpers/scope.ts';

const down = new InferenceError('model_unavailable', 'down');

/** A call that the test ends by hand, and how often it was begun and is running. */
const aCall = () => {
  const results: Subject<string>[] = [];
  const state = { running: 0 };
  const work = new Observable<string>((out) => {
    const result = new Subject<string>();
    results.push(result);
    state.running += 1;
    out.add(() => {
      state.running -= 1;
    });
    out.add(result.subscribe(out));
  });
  return { results, state, work };
};

const watch = (work: Observable<unknown>, scope = testScope(virtualClock())) => {
  const seen: unknown[] = [];
  const subscription = within(scope, work).subscribe({
    next: (value) => seen.push(value),
    error: (error: unknown) => seen.push(error),
    complete: () => seen.push('complete'),
  });
  return { seen, subscription };
};

describe('cachedBy', () => {
  it('answers from the cache what has completed, and calls again when it is too old', () => {
    marbles(({ cold, clock, expectObservable, expectSubscriptions }) => {
      const cache = callCache({ maxAgeMs: 10 });
      const scope = testScope(clock);
      const work = cold('-a-b-|');
      const later = (ms: number): Observable<string> =>
        new Observable((out) => clock.schedule(ms, () => out.add(within(scope, work.pipe(cachedBy(cache, 'k'))).subscribe(out))));
      expectObservable(within(scope, work.pipe(cachedBy(cache, 'k')))).toBe('-a-b-|');
      expectObservable(later(2)).toBe('--(a)b-|'.replace('(a)', 'a'));
      expectObservable(later(6)).toBe('------(ab|)');
      expectObservable(later(15)).toBe('---------------' + '-a-b-|');
      expectSubscriptions(work.subscriptions).toBe(['^----!', '---------------^----!']);
    });
  });

  it('makes one call for all that ask at the same time; the first to leave does not abort it, the last does', () => {
    const { results, state, work } = aCall();
    const cache = callCache();
    const call = work.pipe(cachedBy(cache, 'k'));
    const [a, b, c] = [watch(call), watch(call), watch(call)];
    a.subscription.unsubscribe();
    expect([results.length, state.running]).toEqual([1, 1]);
    results[0]?.next('x');
    b.subscription.unsubscribe();
    expect([state.running, a.seen, b.seen, c.seen]).toEqual([1, [], ['x'], ['x']]);
    c.subscription.unsubscribe();
    c.subscription.unsubscribe();
    expect([state.running, cache.size]).toEqual([0, 0]);
    watch(call);
    expect([results.length, cache.counts]).toEqual([2, { hits: 0, misses: 2, shared: 2, evicted: 0, refused: 0 }]);
  });

  it('gives an error to all that wait, and keeps nothing of it', () => {
    const { results, work } = aCall();
    const cache = callCache();
    const call = work.pipe(cachedBy(cache, () => 'k'));
    const all = [watch(call), watch(call)];
    results[0]?.error(down);
    expect([all.map(({ seen }) => seen), cache.size]).toEqual([[[down], [down]], 0]);
    const again = watch(call);
    results[1]?.next('x');
    results[1]?.complete();
    expect([again.seen, watch(call).seen]).toEqual([
      ['x', 'complete'],
      ['x', 'complete'],
    ]);
  });

  it('makes the call of the next one when the record of the first is gone, and took its call with it', () => {
    const { results, work } = aCall();
    const call = work.pipe(cachedBy(callCache(), 'k'));
    const [first, second] = [watch(call), watch(call)];
    first.subscription.unsubscribe();
    results[0]?.error(new DOMException('given back', 'AbortError'));
    expect([results.length, second.seen]).toEqual([2, []]);
    results[1]?.next('x');
    results[1]?.complete();
    expect(second.seen).toEqual(['x', 'complete']);
    const third = watch(work.pipe(cachedBy(callCache(), 'l')));
    results[2]?.next('half');
    results[2]?.error(new DOMException('given back', 'AbortError'));
    expect(third.seen).toEqual(['half', expect.objectContaining({ code: 'call_failed', grade: 'transient' })]);
  });

  it('stops the time of all that wait while the call waits for a policy, also of who comes later', () => {
    const { work } = aCall();
    const waiting = defer(() => {
      currentScope().suspend('shut');
      return work;
    });
    const call = waiting.pipe(cachedBy(callCache(), 'k'));
    const scopes = [testScope(virtualClock()), testScope(virtualClock())];
    for (const scope of scopes) watch(call, scope);
    expect(scopes.map((scope) => scope.waits)).toEqual([['shut'], ['shut']]);
  });

  it('keeps nothing that a fallback stood in for, and marks it for all', () => {
    const cache = callCache();
    const { results, work } = aCall();
    const call = work.pipe(fallbackTo(of('b')), cachedBy(cache, 'k'));
    const scopes = [testScope(virtualClock()), testScope(virtualClock())];
    const all = scopes.map((scope) => watch(call, scope));
    results[0]?.error(down);
    expect([all.map(({ seen }) => seen), scopes.map(({ degraded }) => degraded), cache.size]).toEqual([
      [
        ['b', 'complete'],
        ['b', 'complete'],
      ],
      [['fallback'], ['fallback']],
      0,
    ]);
  });

  it('ends with a call that ends at once, and with a listener that leaves at the first value', () => {
    const cache = callCache();
    expect(watch(of(1, 2).pipe(cachedBy(cache, 'k'))).seen).toEqual([1, 2, 'complete']);
    expect(watch(throwError(() => down).pipe(cachedBy(cache, 'l'))).seen).toEqual([down]);
    const { state, work } = aCall();
    const now = new Observable<string>((out) => {
      out.add(work.subscribe(out));
      out.next('a');
    });
    const seen: string[] = [];
    const subscription = now.pipe(cachedBy(cache, 'm')).subscribe({
      next: (value) => {
        seen.push(value);
        queueMicrotask(() => {
          subscription.unsubscribe();
        });
      },
      error: expect.unreachable,
    });
    subscription.unsubscribe();
    expect([seen, state.running, cache.size]).toEqual([['a'], 0, 1]);
  });

  it('serves records of a pipeline, each with its own result, and goes on when the first is given back', () => {
    const { results, work } = aCall();
    const cache = callCache();
    const { send, run, sent, values, outcomes } = feed<number, string>(
      mapConcurrent(() => work.pipe(cachedBy(cache, 'k')), { concurrency: 9 }),
    );
    send(1, 2, 3);
    run.giveBack('revoked', sent[0]);
    results[0]?.next('x');
    results[0]?.complete();
    send(4);
    expect([results.length, values(), outcomes()]).toEqual([1, ['x', 'x', 'x'], ['given-back: revoked', 'done', 'done', 'done']]);
  });

  it('lets go of all when memory runs short, and forgets what it is told to', () => {
    const cache = callCache({ maxBytes: 1000 });
    for (const key of ['a', 'b']) watch(of(key).pipe(cachedBy(cache, key)));
    cache.forget('a');
    expect([cache.size, cache.get('b', 0)]).toEqual([1, ['b']]);
    cache.shed();
    expect([cache.size, cache.bytes]).toEqual([0, 0]);
    watch(of('x'.repeat(1000)).pipe(cachedBy(cache, 'big')));
    watch(of(1n).pipe(cachedBy(cache, 'odd')));
    expect(cache.describe(0)).toEqual({
      ...{ name: 'callCache', kind: 'call-cache', used: 0, limit: 1000, waiting: 0 },
      numbers: { entries: 0, hits_total: 1, misses_total: 4, shared_total: 0, evicted_total: 0, refused_total: 2 },
    });
  });

  it.each<[() => unknown, string]>([
    [() => callCache({ maxBytes: 0 }), 'callCache.maxBytes must be an integer >= 1, got 0'],
    [() => callCache({ maxAgeMs: 0 }), 'callCache.maxAgeMs must be a number'],
    [() => cachedBy({} as never, 'k'), 'cachedBy must be given a callCache({ … }), got one without get()'],
    [() => cachedBy(callCache(), 1 as never), 'cachedBy.key must be a function () => string'],
  ])('refuses %s when it is called', (make, message) => {
    expect(make).toThrow(message);
  });

  it('fails with what its key throws', () => {
    const key = (): string => {
      throw new Error('typo');
    };
    expect(watch(NEVER.pipe(cachedBy(callCache(), key))).seen).toEqual([new Error('typo')]);
  });
});
