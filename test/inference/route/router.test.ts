import { concatWith, firstValueFrom, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { currentScope } from '../../../src/call.ts';
import { OverloadError } from '../../../src/errors.ts';
import { completeModel } from '../../../src/inference/complete-model.ts';
import type { Model } from '../../../src/inference/model.ts';
import type { Resource } from '../../../src/resource.ts';
import { failureOf } from '../../helpers/failure-of.ts';
import { fakeBackend } from '../fake-backend.ts';
import { scripted } from '../../../src/inference/scripted/scripted.ts';
import { retryBudget } from '../../../src/policies/retry-budget.ts';
import { virtualClock } from '../../../src/virtual-clock.ts';
import { within } from '../../helpers/scope.ts';
import { ask, calmScope, openRoute, resourceOf, said } from './opened.ts';

describe('hedging', () => {
  it('asks another model beside one that is slow, and takes whoever answers first', async () => {
    const clock = virtualClock();
    const [slow, quick] = [said('slow', { latencyMs: 900 }), said('quick')];
    const { model } = await openRoute(clock, { models: [[slow], [quick]], hedge: { afterMs: 100 } });
    expect(await ask(clock, model)).toBe('quick');
    expect([slow.stats.aborted, slow.stats.running, quick.stats.completed]).toEqual([1, 0, 1]);
    expect(model.describe(0).numbers).toMatchObject({ hedges_total: 1 });
  });

  it('learns when from calls of its kind, once there are enough of them, and is bounded by its budget', async () => {
    const clock = virtualClock();
    const models = ['a', 'b'].map((name) => scripted(({ text }) => ({ text: name, latencyMs: text === 'slow' ? 900 : 50 }), { name }));
    const hedge = { afterMs: 'p95', budget: retryBudget({ share: 0, floor: 2 }) } as const;
    const { model } = await openRoute(clock, { models, hedge });
    const hedges = (): number | undefined => model.describe(0).numbers?.['hedges_total'];
    const askSlow = async (): Promise<void> => {
      within(calmScope(clock), model.chat('slow')).subscribe();
      await clock.runUntilIdle();
    };
    for (let i = 0; i < 38; i += 1) await ask(clock, model);
    await askSlow();
    expect(hedges()).toBe(0); // 39 are known
    await ask(clock, model);
    within(calmScope(clock), model.embed(['slow'])).subscribe();
    await clock.runUntilIdle();
    expect(hedges()).toBe(0); // of another kind
    const scope = calmScope(clock);
    within(scope, model.chat('slow')).subscribe();
    await clock.advance(49);
    expect(hedges()).toBe(0);
    await clock.runUntilIdle();
    expect(hedges()).toBe(1);
    await askSlow();
    await askSlow();
    expect(hedges()).toBe(2); // two in 10 s
  });

  it('begins none where nobody is left to ask', async () => {
    const clock = virtualClock();
    const { model } = await openRoute(clock, { models: [said('only', { latencyMs: 500 })], hedge: { afterMs: 10 } });
    expect(await ask(clock, model)).toBe('only');
    expect(model.describe(0).numbers).toMatchObject({ hedges_total: 0 });
  });

  it('tells nothing for a call that is given up as a whole: budgets count what came of it', async () => {
    const clock = virtualClock();
    const told: unknown[] = [];
    const { model } = await openRoute(clock, { models: [said('a'), said('b')], hedge: { afterMs: 5 } });
    const running = within(calmScope(clock, { used: (usage) => told.push(usage) }), model.chat('hello')).subscribe();
    await clock.advance(7);
    expect((await firstValueFrom(model.state())).running).toBe(2);
    running.unsubscribe();
    expect([told, (await firstValueFrom(model.state())).running]).toEqual([[], 0]);
  });

  it('lets what waits inside of a model know that another is at hand', async () => {
    const clock = virtualClock();
    const taken: boolean[] = [];
    const asks = (name: string): Resource<Model> => {
      const backend = fakeBackend(['hello'], {}, { name });
      const chat: typeof backend.chat = (turns, options) => {
        taken.push(currentScope().takesOver(new OverloadError('full')));
        return throwError(() => new OverloadError('full')).pipe(concatWith(backend.chat(turns, options)));
      };
      return resourceOf(completeModel({ ...backend, chat }));
    };
    const { model } = await openRoute(clock, { models: [[asks('a')], [asks('b')]] });
    await failureOf(ask(clock, model));
    expect(taken).toEqual([true, false]);
  });

  it('tells budgets and counters what the one that lost has taken', async () => {
    const clock = virtualClock();
    const used: number[] = [];
    const [slow, quick] = [said('slow', { latencyMs: 900 }), said('quick')];
    const { model } = await openRoute(clock, { models: [[slow], [quick]], hedge: { afterMs: 100 } });
    const metered: string[] = [];
    const meter = {
      observe: () => undefined,
      received: (tokens: number) => metered.push(`received ${String(tokens)}`),
      used: ({ inputTokens, outputTokens }: { inputTokens: number; outputTokens: number }) =>
        metered.push(`used ${String(inputTokens)}+${String(outputTokens)}`),
      sent: () => undefined,
    };
    const scope = calmScope(clock, { meter, used: ({ inputTokens, outputTokens }) => used.push(inputTokens + outputTokens) });
    await ask(clock, model, 'hello', scope);
    expect(metered.filter((one) => one.startsWith('used'))).toEqual(['used 6+0', 'used 1+1']); // an estimate of the prompt, and what was told
    expect(used).toEqual([6, 2]);
  });
});
