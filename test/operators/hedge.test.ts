import { defer, from, lastValueFrom, map, NEVER, Observable, of, switchMap, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { hedge, type HedgeOptions } from '../../operators/index.ts';
import { InferenceError } from '../../src/errors.ts';
import { completeModel } from '../../src/inference/complete-model.ts';
import type { BackendChunk, Model } from '../../src/inference/model.ts';
import { route } from '../../src/inference/route/route.ts';
import type { Resource } from '../../src/resource.ts';
import { fakeBackend } from '../inference/fake-backend.ts';
import { retryBudget } from '../../src/policies/retry-budget.ts';
import { virtualClock } from '../../src/testing.ts';
import { marbles } from '../helpers/marbles.ts';
import { testScope, within } from '../helpers/scope.ts';

const down = new InferenceError('model_unavailable', 'down');

describe('hedge', () => {
  it.each<{ rule: string; attempts: string[]; out: string; subscriptions: string[]; leaves?: string }>([
    { rule: 'makes one attempt of a call that answers in time', attempts: ['--(a|)', '-(b|)'], out: '--(a|)', subscriptions: ['^-!'] },
    {
      rule: 'lets the second attempt win, and aborts the first',
      attempts: ['---------(a|)', '-(b|)'],
      out: '----(b|)',
      subscriptions: ['^---!', '---^!'],
    },
    {
      rule: 'lets the first attempt win, and aborts the second',
      attempts: ['-----(a|)', '-----(b|)'],
      out: '-----(a|)',
      subscriptions: ['^----!', '---^-!'],
    },
    {
      rule: 'passes on all that the winner emits',
      attempts: ['-----a-b-|', '---------(c|)'],
      out: '-----a-b-|',
      subscriptions: ['^--------!', '---^-!'],
    },
    {
      rule: 'begins no second attempt at a call that has begun to answer',
      attempts: ['--a---b|', '-(c|)'],
      out: '--a---b|',
      subscriptions: ['^------!'],
    },
    { rule: 'fails at once when the first attempt fails in time', attempts: ['--#', '-(b|)'], out: '--#', subscriptions: ['^-!'] },
    {
      rule: 'leaves it to the other when one fails',
      attempts: ['----#', '---(b|)'],
      out: '------(b|)',
      subscriptions: ['^---!', '---^--!'],
    },
    {
      rule: 'leaves it to the first when the second fails',
      attempts: ['------(a|)', '-#'],
      out: '------(a|)',
      subscriptions: ['^-----!', '---^!'],
    },
    { rule: 'fails when both have', attempts: ['------#', '-#'], out: '------#', subscriptions: ['^-----!', '---^!'] },
    {
      rule: 'fails when the winner fails after it has answered',
      attempts: ['-----a-#', '------(b|)'],
      out: '-----a-#',
      subscriptions: ['^------!', '---^-!'],
    },
    {
      rule: 'completes with the first that completes without a value',
      attempts: ['-----|', '------(b|)'],
      out: '-----|',
      subscriptions: ['^----!', '---^-!'],
    },
    {
      rule: 'aborts both when downstream leaves',
      attempts: ['---------a', '---------b'],
      out: '-----',
      subscriptions: ['^----!', '---^-!'],
      leaves: '-----!',
    },
    {
      rule: 'begins nothing when downstream has left',
      attempts: ['---------a', '---------b'],
      out: '--',
      subscriptions: ['^-!'],
      leaves: '--!',
    },
  ])('$rule', ({ attempts, out, subscriptions, leaves }) => {
    marbles(({ cold, clock, expectObservable, expectSubscriptions }) => {
      const calls = attempts.map((diagram) => cold(diagram, undefined, down));
      let begun = 0;
      const work = defer(() => calls[begun++] as (typeof calls)[0]);
      expectObservable(within(testScope(clock), work.pipe(hedge({ afterMs: 3 }))), leaves).toBe(out, undefined, down);
      for (const [i, call] of calls.entries()) expectSubscriptions(call.subscriptions).toBe(subscriptions[i] ?? []);
    });
  });

  it('makes no second attempt when the budget is spent, and earns a share of one with each call', async () => {
    const clock = virtualClock();
    const budget = retryBudget({ share: 0.5, floor: 1 });
    let begun = 0;
    const slow = new Observable<string>((out) => {
      begun += 1;
      const cancel = clock.schedule(100, () => {
        out.next('a');
        out.complete();
      });
      return cancel;
    });
    const seen: string[] = [];
    for (let i = 0; i < 4; i += 1)
      within(testScope(clock), slow.pipe(hedge({ afterMs: 10, budget }))).subscribe({
        next: (value) => seen.push(value),
        error: expect.unreachable,
      });
    await clock.runUntilIdle();
    expect([begun, seen]).toEqual([4 + 3, ['a', 'a', 'a', 'a']]);
  });

  it('stops its timer with a call that ends at once', async () => {
    const clock = virtualClock();
    for (const work of [of('a'), throwError(() => down)])
      within(testScope(clock), work.pipe(hedge<string>({ afterMs: 10 }))).subscribe({ error: () => undefined });
    await clock.runUntilIdle();
    expect(clock.nowMs()).toBe(0);
  });

  it.each<[HedgeOptions, string]>([
    [{ afterMs: -1 }, 'hedge.afterMs must be a number >= 0, got -1'],
    [{ afterMs: 1, budget: {} as never }, 'hedge.budget must be a retryBudget({ … }), got one without called()'],
  ])('refuses %j when it is called', (options, message) => {
    expect(() => hedge(options)).toThrow(message);
  });
});

describe('what the two attempts have used', () => {
  const usage = { inputTokens: 10, cachedTokens: 0, outputTokens: 3, totalTokens: 13 };
  const answer = of({ text: 'ok', index: 0 }, { text: '', index: 1, finishReason: 'stop' as const, usage });

  /** A model whose first `silent` calls say nothing, and what the record is told of it. */
  async function counted(pool: (model: Model) => Observable<Model>, afterMs: number): Promise<readonly unknown[]> {
    let asked = 0;
    const chat = (): Observable<BackendChunk> => {
      asked += 1;
      return asked === 1 ? NEVER : answer;
    };
    const clock = virtualClock();
    const told: unknown[] = [];
    const scope = testScope(clock, { used: ({ inputTokens, outputTokens }) => void told.push([inputTokens, outputTokens]) });
    const call = pool(completeModel(fakeBackend([], {}, { chat }))).pipe(switchMap((model) => model.chat('x'.repeat(40))));
    const done = lastValueFrom(within(scope, call.pipe(hedge({ afterMs }))));
    await clock.advance(10);
    await done;
    return told;
  }

  it('is told of both: the prompt of one that was aborted before it said anything, by estimate', async () => {
    expect(await counted((model) => of(model), 5)).toEqual([
      [14, 0],
      [10, 3],
    ]);
  });

  it.each([
    ['a pool that is left', {}, 5],
    ['a pool that hedges by itself', { hedge: { afterMs: 5 } }, 1_000],
  ])('is told once by %s', async (_, options, afterMs) => {
    const pool = (model: Model): Observable<Model> => {
      const one: Resource<Model> = { name: 'one', open: () => Promise.resolve({ value: model, close: () => Promise.resolve() }) };
      const context = { clock: virtualClock(), signal: new AbortController().signal, log: () => undefined };
      return from(route({ models: [one, { ...one, name: 'other' }], ...options }).open(context)).pipe(map(({ value }) => value));
    };
    const told = await counted(pool, afterMs);
    expect(told).toHaveLength(2);
    expect(told).toContainEqual([10, 3]);
    expect(told).toContainEqual([14, 0]);
  });
});
