import { defer, EMPTY, NEVER, Observable, of, Subject, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { mapConcurrent, retryWithBackoff, withPermit } from '../../operators/index.ts';
import { call, currentScope } from '../../src/call.ts';
import { RecordError } from '../../src/errors.ts';
import type { CallOutcome } from '../../src/policies/call-outcome.ts';
import { permits, type Permits } from '../../src/policies/permits.ts';
import { virtualClock } from '../../src/testing.ts';
import { feed } from '../helpers/feed.ts';
import { marbles } from '../helpers/marbles.ts';
import { testScope, within } from '../helpers/scope.ts';

describe('withPermit', () => {
  it('runs as many calls as there are permits, the others in turn', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const slots = permits(1);
      const first = cold('---(a|)');
      const second = cold('--#');
      const third = cold('-(c|)');
      expectObservable(first.pipe(withPermit(slots))).toBe('---(a|)');
      expectObservable(second.pipe(withPermit(slots))).toBe('-----#');
      expectObservable(third.pipe(withPermit(slots))).toBe('------(c|)');
      expectSubscriptions(first.subscriptions).toBe('^--!');
      expectSubscriptions(second.subscriptions).toBe('---^-!');
      expectSubscriptions(third.subscriptions).toBe('-----^!');
    });
  });

  it('frees the permit and aborts the call when downstream leaves', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const slots = permits(1);
      const first = cold('----------|');
      const second = cold('-(b|)');
      expectObservable(first.pipe(withPermit(slots)), '---!').toBe('---');
      expectObservable(second.pipe(withPermit(slots))).toBe('----(b|)');
      expectSubscriptions(first.subscriptions).toBe('^--!');
      expectSubscriptions(second.subscriptions).toBe('---^!');
    });
  });

  it.each([
    { end: 'complete', source: EMPTY },
    { end: 'value and complete', source: of(1) },
    { end: 'error', source: throwError(() => new Error('no')) },
    {
      end: 'a throw on subscription',
      source: defer(() => {
        throw new Error('no');
      }),
    },
  ])('frees the permit exactly once on $end', ({ source }) => {
    const slots = permits(2);
    slots.acquire(() => undefined);
    const subscription = source.pipe(withPermit(slots)).subscribe({ error: () => undefined });
    subscription.unsubscribe();
    expect(slots.used).toBe(1);
  });

  it('tells the limit how the call ended, once, and what it failed with', () => {
    const failure = new Error('no');
    const told: (CallOutcome | undefined)[] = [];
    const limit: Permits = {
      ...permits(1),
      acquire: (granted) => {
        const release = (outcome?: CallOutcome): void => void told.push(outcome);
        granted(release);
        return release;
      },
    };
    of(1).pipe(withPermit(limit)).subscribe({ error: expect.unreachable });
    throwError(() => failure)
      .pipe(withPermit(limit))
      .subscribe({ error: () => undefined });
    NEVER.pipe(withPermit(limit)).subscribe().unsubscribe();
    expect(told).toEqual([{ end: 'completed' }, { end: 'failed', error: failure }, { end: 'aborted' }]);
  });

  it('measures waits by the clock of the call', async () => {
    const clock = virtualClock();
    const slots = permits(1);
    const running = new Subject<number>();
    within(testScope(clock), running.pipe(withPermit(slots))).subscribe();
    within(testScope(clock), of(1).pipe(withPermit(slots))).subscribe({ error: expect.unreachable });
    await clock.advance(1_000);
    running.complete();
    expect(slots.describe(clock.nowMs()).numbers?.['wait_p99_ms']).toBeGreaterThanOrEqual(1_000);
  });

  it("does not spend the record's time on its wait", async () => {
    const slots = permits(1);
    const free: { leave?: () => void } = {};
    slots.acquire((release) => (free.leave = () => release({ end: 'completed' })));
    const { run, source, sent, outcomes } = feed<number, number>(
      mapConcurrent((value) => of(value).pipe(withPermit(slots)), { concurrency: 1 }),
    );
    sent.push(run.envelope(1, { timeMs: 100 }));
    source.next(sent[0] as never);
    await run.clock.advance(500);
    run.expire();
    expect([outcomes(), [...(run.run.waits ?? [])]]).toEqual([['open'], [['all permits are taken', 1]]]);
    free.leave?.();
    expect([outcomes(), run.run.waits?.size]).toEqual([['done'], 0]);
  });

  it('gives up its place when downstream leaves while it waits', () => {
    const slots = permits(1);
    const running = new Subject<number>();
    running.pipe(withPermit(slots)).subscribe();
    let subscribed = 0;
    const work = defer(() => {
      subscribed += 1;
      return NEVER;
    });
    work.pipe(withPermit(slots)).subscribe().unsubscribe();
    work.pipe(withPermit(slots)).subscribe();
    running.complete();
    expect([subscribed, slots.used, slots.waiting]).toEqual([1, 1, 0]);
  });

  it('never has more calls running than permits, not even while one ends', () => {
    for (const end of ['complete', 'error', 'unsubscribe'] as const) {
      const slots = permits(1);
      let running = 0;
      let most = 0;
      const ends = new Subject<number>();
      const work = new Observable<number>((out) => {
        running += 1;
        most = Math.max(most, running);
        out.add(() => {
          running -= 1;
        });
        return ends.subscribe(out);
      });
      // waits first, so that the place in the queue is torn down before the call would be
      const blocker = new Subject<number>();
      blocker.pipe(withPermit(slots)).subscribe();
      const first = work.pipe(withPermit(slots)).subscribe({ error: () => undefined });
      work.pipe(withPermit(slots)).subscribe({ error: () => undefined });
      blocker.complete();
      if (end === 'unsubscribe') first.unsubscribe();
      else if (end === 'error') ends.error(new Error('no'));
      else ends.complete();
      expect(most).toBe(1);
    }
  });

  it('has freed the permit before anybody hears of the end', () => {
    const slots = permits(1);
    const used: number[] = [];
    const look = (): void => {
      used.push(slots.used);
    };
    of(1).pipe(withPermit(slots)).subscribe({ complete: look, error: expect.unreachable });
    throwError(() => new Error('no'))
      .pipe(withPermit(slots))
      .subscribe({ error: look });
    expect(used).toEqual([0, 0]);
  });

  it('runs a call in its own scope although its permit came from another one', async () => {
    const clock = virtualClock();
    const slots = permits(1);
    const keys: unknown[] = [];
    const work = call(async () => {
      await Promise.resolve();
      keys.push(currentScope().key);
    }).pipe(withPermit(slots));
    for (const key of ['a', 'b', 'c']) within(testScope(clock, { key }), work).subscribe({ error: expect.unreachable });
    await clock.advance(0);
    expect(keys).toEqual(['a', 'b', 'c']);
  });

  it('does not overflow the stack with 20,000 waiting calls that complete at once', () => {
    const slots = permits(1);
    const gate = new Subject<number>();
    gate.pipe(withPermit(slots)).subscribe();
    let done = 0;
    const count = (): void => {
      done += 1;
    };
    for (let i = 0; i < 20_000; i += 1) of(i).pipe(withPermit(slots)).subscribe({ next: count, error: expect.unreachable });
    gate.complete();
    expect([done, slots.used]).toEqual([20_000, 0]);
  });

  it('takes a permit anew for each attempt, and none while it waits', async () => {
    const clock = virtualClock();
    const slots = permits(1);
    const failing = throwError(() => new RecordError('call_timeout', 'slow'));
    within(testScope(clock), failing.pipe(withPermit(slots), retryWithBackoff({ attempts: 2, random: () => 0.5 }))).subscribe({
      error: () => undefined,
    });
    expect(slots.used).toBe(0);
    await clock.runUntilIdle();
    expect(slots.used).toBe(0);
  });
});
