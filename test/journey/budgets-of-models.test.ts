import fc from 'fast-check';
import { defer, NEVER, type Observable, of, Subject, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { callTimeout, withinBudget, withinRate } from '../../operators/index.ts';
import { currentScope } from '../../src/call.ts';
import { completeModel } from '../../src/inference/complete-model.ts';
import { estimateCall } from '../../src/inference/estimate-call.ts';
import { learnedP95 } from '../../src/policies/learned-p95.ts';
import { rateLimit } from '../../src/policies/rate-limit.ts';
import { tokenBudget } from '../../src/policies/token-budget.ts';
import { virtualClock } from '../../src/testing.ts';
import { testScope, within } from '../helpers/scope.ts';
import { fakeBackend } from '../inference/fake-backend.ts';

const estimate = { inputTokens: 10, outputTokens: 40 };
const chunk = (text: string, index: number) => ({ text, index });
const last = (inputTokens: number, outputTokens: number) => ({
  text: '',
  index: 9,
  usage: { inputTokens, cachedTokens: 4, outputTokens, totalTokens: inputTokens + outputTokens },
  finishReason: 'stop' as const,
});

/** A model whose answer the test gives piece by piece. */
function modelOf(chat: () => Observable<ReturnType<typeof chunk>>) {
  return completeModel({ ...fakeBackend([]), name: 'm', chat, countTokens: () => of(10) });
}

describe('withinBudget around a model', () => {
  const setUp = (options: Parameters<typeof tokenBudget>[0] = {}) => {
    const clock = virtualClock();
    const pieces = new Subject<ReturnType<typeof chunk>>();
    const model = modelOf(() => pieces);
    const budget = tokenBudget({ tokensPerMinute: 1000, inputTokensPerMinute: 500, outputTokensPerMinute: 500, ...options });
    const ask = () =>
      within(
        testScope(clock),
        model
          .chat('hello', { maxTokens: 40 })
          .pipe(callTimeout({ ms: 50 }), withinBudget(budget, { estimate: () => estimateCall(model, 'hello', { maxTokens: 40 }) })),
      ).subscribe({ error: () => undefined });
    const spent = () => {
      const { inputTokens, outputTokens, tokens } = budget.spent(clock.nowMs());
      return [inputTokens, outputTokens, tokens];
    };
    return { clock, pieces, budget, ask, spent };
  };

  it('reserves prompt and longest answer, and settles exactly from the usage', () => {
    const { pieces, ask, spent } = setUp();
    ask();
    expect(spent()).toEqual([10, 40, 50]);
    pieces.next(chunk('one', 0));
    pieces.next(last(8, 3));
    pieces.complete();
    expect(spent()).toEqual([8, 3, 11]);
  });

  it.each<[string, (call: { unsubscribe(): void }, pieces: Subject<never>, clock: ReturnType<typeof virtualClock>) => unknown]>([
    ['error', (_, pieces) => pieces.error(new Error('cut'))],
    ['unsubscribe', (call) => call.unsubscribe()],
    ['timeout', (_, __, clock) => clock.advance(60)],
    ['an end without usage', (_, pieces) => pieces.complete()],
  ])('spends the prompt as reserved and the tokens that have come: %s', async (_, end) => {
    const { pieces, ask, spent, clock } = setUp();
    const call = ask();
    pieces.next(chunk('one', 0));
    pieces.next(chunk(' two and a half more', 1)); // servers may put several tokens into one piece
    await end(call, pieces as never, clock);
    call.unsubscribe();
    expect(spent()).toEqual([10, 6, 16]);
  });

  it('never spends more of an answer than was reserved, when nothing tells', () => {
    const { pieces, ask, spent } = setUp();
    const call = ask();
    for (let i = 0; i < 60; i += 1) pieces.next(chunk('x', i));
    call.unsubscribe();
    expect(spent()).toEqual([10, 40, 50]);
  });

  it('counts each request of a call that makes several', () => {
    const { budget, clock } = { budget: tokenBudget({ tokensPerMinute: 1000 }), clock: virtualClock() };
    const twice = defer(() => {
      const { meter } = currentScope();
      meter?.received(0);
      meter?.used({ inputTokens: 7, outputTokens: 2 });
      meter?.received(5);
      return throwError(() => new Error('the second was cut'));
    });
    within(testScope(clock), twice.pipe(withinBudget(budget, { estimate: () => estimate }))).subscribe({ error: () => undefined });
    expect(budget.spent(0)).toMatchObject({ inputTokens: 17, outputTokens: 7 });
  });

  it.each([
    ['waits for another policy', (call: Observable<never>) => call.pipe(withinRate(rateLimit({ capacity: 1, refillPerSecond: 1e-6 })))],
    [
      'could not be sent',
      () =>
        defer(() => {
          currentScope().meter?.sent(false);
          return NEVER;
        }),
    ],
  ])('gives everything back of a call that %s', (_, wrap) => {
    const clock = virtualClock();
    const budget = tokenBudget({ tokensPerMinute: 1000 });
    const rate = wrap(NEVER);
    const once = () => within(testScope(clock), rate.pipe(withinBudget(budget, { estimate: () => estimate }))).subscribe();
    const started = once(); // takes the one start
    const waits = once();
    waits.unsubscribe();
    started.unsubscribe();
    const kept = wrap.length === 1 ? 50 : 0;
    expect(budget.spent(0)).toMatchObject({ tokens: kept });
  });

  it('hands headers on to every budget around', () => {
    const clock = virtualClock();
    const [inner, outer] = [tokenBudget({ tokensPerMinute: 1000 }), tokenBudget({ requestsPerMinute: 100 })];
    const answered = defer(() => {
      currentScope().meter?.observe(
        new Headers({ 'x-ratelimit-remaining-tokens': '100', 'x-ratelimit-reset-tokens': '6s', 'retry-after-ms': '20' }),
      );
      return of(1);
    });
    const options = { estimate: () => estimate };
    within(testScope(clock), answered.pipe(withinBudget(inner, options), withinBudget(outer, options))).subscribe();
    expect([inner.describe(0).numbers?.['tokens_left'], outer.describe(0).numbers?.['tokens_left']]).toEqual([100, 100]);
  });

  it('pays for what was used, cached tokens at their own price', () => {
    const prices = { inputPerMillion: 2, outputPerMillion: 8, cachedPerMillion: 0.5 };
    const { pieces, ask, budget } = setUp({ moneyPerDay: 1, prices });
    ask();
    expect(budget.spent(0).money).toBeCloseTo((10 * 2 + 40 * 8) / 1e6, 12);
    pieces.next(last(10, 5));
    pieces.complete();
    expect(budget.spent(0).money).toBeCloseTo((6 * 2 + 4 * 0.5 + 5 * 8) / 1e6, 12);
    expect(budget.describe(0).numbers).toMatchObject({ money_left: 1 - 54 / 1e6 });
  });

  it('reserves what was learnt once enough is known, by model and step, and tells its overshoot', () => {
    const clock = virtualClock();
    const budget = tokenBudget({ tokensPerMinute: 1e6, reserve: learnedP95({ minCalls: 20 }) });
    const once = (step: string, used: number | undefined) =>
      within(
        testScope(clock),
        (used === undefined ? NEVER : of(last(10, used))).pipe(withinBudget(budget, { estimate: () => estimate, model: 'm', step })),
      ).subscribe();
    for (let i = 1; i <= 20; i += 1) once('judge', i);
    const before = budget.spent(0).tokens;
    const [learnt, other] = [once('judge', undefined), once('write', undefined)];
    expect(budget.spent(0).tokens - before).toBe(10 + 19 + (10 + 40));
    learnt.unsubscribe();
    other.unsubscribe();
    expect(budget.spent(0).tokens - before).toBe(50 + 50); // nothing is known of their use: the most that was possible
    once('judge', 25);
    expect(budget.describe(0).numbers).toMatchObject({ overshoot_tokens: 6 + 21, overshoot_calls: 2 });
  });

  it('leaks nothing and counts once, whatever ends calls in whatever order', async () => {
    const ends = fc.constantFrom('complete', 'usage', 'error', 'unsubscribe', 'timeout', 'unsent');
    const plan = fc.array(fc.record({ chunks: fc.nat(3), end: ends, waitMs: fc.nat(40) }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(plan, async (calls) => {
        const clock = virtualClock();
        const budget = tokenBudget({ tokensPerMinute: 120, requestsPerMinute: 4, jitterMs: 0 });
        const scope = testScope(clock);
        let expected = 0;
        const running = calls.map(({ chunks, end }) => {
          let isStarted = false;
          const pieces = new Subject<ReturnType<typeof chunk>>();
          const model = modelOf(() => {
            isStarted = true;
            if (end === 'unsent') currentScope().meter?.sent(false);
            return pieces;
          });
          const call = within(
            scope,
            model.chat('x', { maxTokens: 40 }).pipe(callTimeout({ ms: 5 }), withinBudget(budget, { estimate: () => estimate })),
          ).subscribe({
            error: () => undefined,
          });
          return async () => {
            const sends = isStarted && end !== 'unsent';
            if (end !== 'unsent') for (let i = 0; i < chunks; i += 1) pieces.next(chunk('x', i));
            if (end === 'usage') pieces.next(last(3, 2));
            if (isStarted) expected += end === 'usage' ? 5 : sends ? 10 + chunks : 0;
            if (end === 'complete' || end === 'usage') pieces.complete();
            if (end === 'error' || end === 'unsent') pieces.error(new Error('no'));
            if (end === 'timeout' && isStarted) await clock.advance(5);
            call.unsubscribe();
          };
        });
        for (const end of running) await end();
        expect(budget.waiting).toBe(0);
        if (clock.nowMs() === 0) expect(budget.spent(0).tokens).toBe(expected);
        await clock.runUntilIdle();
        expect(budget.spent(clock.nowMs() + 60_000)).toMatchObject({ tokens: 0, requests: 0, inputTokens: 0, outputTokens: 0 });
      }),
      { numRuns: 200 },
    );
  });
});
