import { EMPTY, NEVER, Observable, of, Subject } from 'rxjs';
import { describe, expect, it, vi } from 'vitest';
import { callTimeout } from '../../operators/index.ts';
import { call } from '../../src/call.ts';
import { virtualClock } from '../../src/testing.ts';
import { marbles } from '../helpers/marbles.ts';
import { testScope, within } from '../helpers/scope.ts';

describe('callTimeout', () => {
  it.each([
    { rule: 'lets a call pass that ends in time', work: '--a-(b|)', until: '', out: '--a-(b|)', held: '^---!' },
    { rule: 'passes an error on', work: '--#', until: '', out: '--#', held: '^-!' },
    { rule: 'aborts a call that takes too long, values or not', work: '--a---------|', until: '', out: '--a--t', held: '^----!' },
    { rule: 'aborts the call when downstream leaves', work: '--a---------|', until: '---!', out: '--a', held: '^--!' },
  ])('$rule', ({ work, until, out, held }) => {
    marbles(({ cold, clock, expectObservable, expectSubscriptions }) => {
      const source = cold(work);
      const result = within(testScope(clock), source.pipe(callTimeout({ ms: 5 })));
      const timeout = {
        code: 'call_timeout',
        message: "the call took longer than 5 ms and was aborted: raise callTimeout's ms, or ask for less",
      };
      const seen = new Observable((subscriber) =>
        result.subscribe({
          next: (value) => {
            subscriber.next(value);
          },
          error: (error: unknown) => {
            if (error === 'error') subscriber.error(error);
            else {
              expect(error).toMatchObject(timeout);
              expect(error).toMatchObject({ position: 'test/0@0', retryable: true });
              subscriber.next('t');
            }
          },
          complete: () => {
            subscriber.complete();
          },
        }),
      );
      expectObservable(seen, until || undefined).toBe(out);
      expectSubscriptions(source.subscriptions).toBe(held);
    });
  });

  it.each([
    { end: 'complete', source: EMPTY },
    { end: 'a value and complete, at once', source: of(1) },
  ])('leaves no timer after $end', ({ source }) => {
    const cancel = vi.fn();
    const clock = { nowMs: () => 0, schedule: () => cancel };
    within(testScope(clock), source.pipe(callTimeout({ ms: 5 }))).subscribe();
    expect(cancel).toHaveBeenCalledTimes(1);
  });

  it('leaves no timer when downstream leaves', () => {
    const cancel = vi.fn();
    const clock = { nowMs: () => 0, schedule: () => cancel };
    within(testScope(clock), NEVER.pipe(callTimeout({ ms: 5 })))
      .subscribe()
      .unsubscribe();
    expect(cancel).toHaveBeenCalledTimes(1);
  });

  it('has stopped the work before anybody hears of the timeout', async () => {
    const clock = virtualClock();
    const work = new Subject<number>();
    let observed: boolean | undefined;
    within(testScope(clock), work.pipe(callTimeout({ ms: 5 }))).subscribe({
      error: () => {
        observed = work.observed;
      },
    });
    await clock.advance(5);
    expect(observed).toBe(false);
  });

  it("aborts a call's signal", async () => {
    const clock = virtualClock();
    let signal: AbortSignal | undefined;
    const work = call((ctx) => {
      ({ signal } = ctx);
      return new Promise<never>(() => undefined);
    });
    const failed = vi.fn();
    within(testScope(clock), work.pipe(callTimeout({ ms: 5 }))).subscribe({ error: failed });
    await clock.advance(5);
    expect([signal?.aborted, failed.mock.calls.length]).toEqual([true, 1]);
  });

  it.each([0, -1, Number.NaN])('refuses ms %s when it is called', (ms) => {
    expect(() => callTimeout({ ms })).toThrow('callTimeout.ms must be');
  });
});
