import { defer, Observable, of, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { hedge, type HedgeOptions } from '../../operators/index.ts';
import { InferenceError } from '../../src/errors.ts';
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
