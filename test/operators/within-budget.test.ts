import { EMPTY, NEVER, type Observable, of, Subject, throwError } from 'rxjs';
import { describe, expect, it, vi } from 'vitest';
import { callTimeout, withinBudget } from '../../operators/index.ts';
import { tokenBudget } from '../../src/policies/token-budget.ts';
import { virtualClock } from '../../src/testing.ts';
import { marbles } from '../helpers/marbles.ts';
import { testScope, within } from '../helpers/scope.ts';

const using = (totalTokens: number) => ({ usage: { totalTokens } });

describe('withinBudget', () => {
  it('starts calls while they fit, and the next ones, in turn, when there is room again', () => {
    marbles(({ cold, clock, expectObservable, expectSubscriptions, flush }) => {
      const budget = tokenBudget({ tokensPerMinute: 10, jitterMs: 0 });
      const scope = testScope(clock);
      for (const { tokens, out, held } of [
        { tokens: 6, out: '-(a|)', held: '^!' },
        { tokens: 6, out: '60s -(a|)', held: '60s ^!' },
        { tokens: 1, out: '60s -(a|)', held: '60s ^!' }, // it would fit, but does not overtake
      ]) {
        const work = cold('-(a|)');
        expectObservable(within(scope, work.pipe(withinBudget(budget, { estimate: () => tokens })))).toBe(out);
        expectSubscriptions(work.subscriptions).toBe(held);
      }
      flush();
      const hold = { reason: 'the token budget is spent (10 tokens per minute)', untilMs: 60_000 };
      expect(scope.holds).toEqual([hold, hold]);
    });
  });

  it.each<{ rule: string; source: Observable<unknown>; spent: number }>([
    { rule: 'the real usage when the call tells it', source: of(using(4)), spent: 4 },
    { rule: 'the last usage of several', source: of(using(3), 'text', using(7)), spent: 7 },
    { rule: 'more than the estimate, when that was used', source: of(using(25)), spent: 25 },
    { rule: 'the usage that was told before an error', source: new Subject(), spent: 2 },
    { rule: 'the estimate when nothing is told', source: of({ usage: { totalTokens: Number.NaN } }, { usage: null }, null, 1), spent: 10 },
    { rule: 'the estimate of a call without values', source: EMPTY, spent: 10 },
    { rule: 'the estimate of a call that failed', source: throwError(() => new Error('no')), spent: 10 },
  ])('spends $rule', ({ source, spent }) => {
    const clock = virtualClock();
    const budget = tokenBudget({ tokensPerMinute: 100, requestsPerMinute: 5 });
    within(testScope(clock), source.pipe(withinBudget(budget, { estimate: () => of(10) }))).subscribe({ error: () => undefined });
    if (source instanceof Subject) {
      source.next(using(2));
      source.error(new Error('cut off'));
    }
    expect(budget.spent(0)).toMatchObject({ tokens: spent, requests: 1 });
  });

  it.each(['unsubscribe', 'timeout'] as const)('settles once on %s, after the call was aborted', async (end) => {
    const clock = virtualClock();
    const budget = tokenBudget({ tokensPerMinute: 100 });
    const work = new Subject<unknown>();
    const settled = vi.fn(() => work.observed);
    const watched = {
      ...budget,
      acquire: (request: Parameters<typeof budget.acquire>[0]) =>
        budget.acquire({
          ...request,
          granted: (share) => {
            request.granted({
              ...share,
              settle: (used) => {
                settled();
                share.settle(used);
              },
            });
          },
        }),
    };
    const subscription = within(
      testScope(clock),
      work.pipe(callTimeout({ ms: 5 }), withinBudget(watched, { estimate: () => 10 })),
    ).subscribe({ error: () => undefined });
    work.next(using(3));
    if (end === 'unsubscribe') subscription.unsubscribe();
    await clock.advance(5);
    subscription.unsubscribe();
    expect(settled.mock.results.map(({ value }) => value as boolean)).toEqual([false]);
    expect(budget.spent(0).tokens).toBe(3);
  });

  it('gives everything back when downstream leaves while the call waits', async () => {
    const clock = virtualClock();
    const budget = tokenBudget({ tokensPerMinute: 10, jitterMs: 0 });
    within(testScope(clock), NEVER.pipe(withinBudget(budget, { estimate: () => 10 }))).subscribe();
    const subscribed = vi.fn(() => NEVER);
    const waiting = within(testScope(clock), NEVER.pipe(withinBudget(budget, { estimate: () => 10 }))).subscribe();
    expect(budget.waiting).toBe(1);
    waiting.unsubscribe();
    expect(budget.waiting).toBe(0);
    await clock.advance(60_000);
    expect([budget.spent(60_000), subscribed.mock.calls]).toMatchObject([{ tokens: 0, requests: 0 }, []]);
  });

  it('lets the time of its record stand still while it waits', async () => {
    const clock = virtualClock();
    const scope = testScope(clock);
    const budget = tokenBudget({ tokensPerMinute: 10, jitterMs: 0 });
    const ask = () => within(scope, NEVER.pipe(withinBudget(budget, { estimate: () => 10 }))).subscribe();
    const [first, second, third] = [ask(), ask(), ask()];
    const reason = 'the token budget is spent (10 tokens per minute)';
    expect(scope.waits).toEqual([reason, reason]);
    second.unsubscribe();
    expect(scope.waits).toEqual([reason]);
    first.unsubscribe();
    await clock.advance(60_000);
    expect([scope.waits, budget.waiting]).toEqual([[], 0]);
    third.unsubscribe();
  });

  it('stops estimating when downstream leaves', () => {
    const estimate = new Subject<number>();
    const budget = tokenBudget({ tokensPerMinute: 10, jitterMs: 0 });
    const subscription = NEVER.pipe(withinBudget(budget, { estimate: () => estimate })).subscribe();
    expect(estimate.observed).toBe(true);
    subscription.unsubscribe();
    expect(estimate.observed).toBe(false);
  });

  it.each<[string, () => Observable<number> | number, string]>([
    [
      'more than a whole minute has',
      () => 11,
      'a call that may use 11 tokens can never run within 10 tokens per minute: shorten the prompt or maxTokens, or raise tokensPerMinute',
    ],
    ['more, told later', () => of(11), 'a call that may use 11 tokens can never run'],
    [
      'not a number',
      () => of(Number.NaN),
      'the estimate given to withinBudget must be a number >= 0, or { inputTokens, outputTokens }, got NaN',
    ],
    ['none', () => EMPTY, 'the estimate given to withinBudget must be a number >= 0, or { inputTokens, outputTokens }, got none'],
    ['an error', () => throwError(() => new Error('tokenizer')), 'tokenizer'],
    [
      'a throw',
      () => {
        throw new Error('typo');
      },
      'typo',
    ],
  ])('fails at once for an estimate that is %s', (_name, estimate, message) => {
    const budget = tokenBudget({ tokensPerMinute: 10, jitterMs: 0 });
    const failed = vi.fn<(error: unknown) => void>();
    NEVER.pipe(withinBudget(budget, { estimate })).subscribe({ error: failed });
    expect(String(failed.mock.calls[0]?.[0])).toContain(message);
    expect([budget.spent(0), budget.waiting]).toMatchObject([{ tokens: 0, requests: 0 }, 0]);
  });

  it('fails the call, and settles, when usageOf throws', () => {
    const budget = tokenBudget({ tokensPerMinute: 10, jitterMs: 0 });
    const failed = vi.fn();
    const work = new Subject<number>();
    const usageOf = (): number => {
      throw new Error('typo');
    };
    work.pipe(withinBudget(budget, { estimate: () => 1, usageOf })).subscribe({ error: failed });
    work.next(1);
    expect([failed.mock.calls.length, work.observed]).toEqual([1, false]);
  });
});
