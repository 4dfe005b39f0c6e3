import { concatWith, firstValueFrom, type Observable, of, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { currentScope } from '../../../src/call.ts';
import { type ErrorCode, InferenceError, OverloadError } from '../../../src/errors.ts';
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

describe('counting tokens', () => {
  it('asks the first tier, those that are well before those that are left alone, and the next where one fails', async () => {
    const clock = virtualClock();
    const counting = (name: string, tokens: () => Observable<number>): Resource<Model> =>
      resourceOf(completeModel({ ...fakeBackend(['x'], {}, { name }), countTokens: tokens }));
    let isDown = false;
    const down = (): Observable<never> => throwError(() => new OverloadError('full'));
    const first = resourceOf(
      completeModel({
        ...fakeBackend(['x'], {}, { name: 'first' }),
        chat: down,
        countTokens: () => (isDown ? down() : of(1)),
      }),
    );
    const spare = counting('spare', () => of(2));
    const { model } = await openRoute(clock, { models: [[first], [spare]], health: { coolDownMs: 60_000 } });
    const count = (): Promise<number> => firstValueFrom(within(calmScope(clock), model.countTokens('hello')));
    expect(await count()).toBe(1);
    isDown = true;
    expect(await count()).toBe(2);
    isDown = false;
    await ask(clock, model); // the first is left alone from now on
    expect(model.describe(clock.nowMs()).parts?.[0]?.numbers).toMatchObject({ open_degree: 2, cool_downs_total: 1 });
    expect(await count()).toBe(2);
  });
});

describe('the health of a model', () => {
  const failing = (name: string, error: () => InferenceError): Resource<Model> =>
    resourceOf(completeModel({ ...fakeBackend([], {}, { name }), chat: () => throwError(() => error()) }));

  it('one that needs a person is left alone for the longest time', async () => {
    const clock = virtualClock();
    const key = failing('key', () => new InferenceError('model_unauthorized', 'no'));
    const health = { coolDownMs: 1_000, maxCoolDownMs: 60_000 };
    const { model, logged } = await openRoute(clock, { models: [[key], [said('spare')]], health });
    await ask(clock, model);
    const untilMs = model.describe(clock.nowMs()).parts?.[0]?.pausedUntilMs ?? 0;
    expect(untilMs - clock.nowMs()).toBeGreaterThan(50_000);
    expect(logged.filter((line) => line.includes('left alone'))).toHaveLength(1);
  });

  it('where each of them needs a person, that is said, now and to later calls: nothing is to be waited for', async () => {
    const clock = virtualClock();
    let isMended = false;
    const refusing = (name: string, code: ErrorCode): Resource<Model> =>
      resourceOf(
        completeModel({
          ...fakeBackend(['fine'], {}, { name }),
          chat: (...asked) => (isMended ? fakeBackend(['fine']).chat(...asked) : throwError(() => new InferenceError(code, 'no'))),
        }),
      );
    const models = [refusing('a', 'model_unauthorized'), refusing('b', 'model_not_found')];
    const { model } = await openRoute(clock, { models, health: { maxCoolDownMs: 2_000 } });
    for (let call = 0; call < 3; call += 1) await expect(ask(clock, model)).rejects.toMatchObject({ grade: 'pipeline', message: 'no' });
    isMended = true;
    await clock.advance(10_000);
    expect(await ask(clock, model)).toBe('fine');
  });

  it('where one of them may come back by itself, it is waited for', async () => {
    const clock = virtualClock();
    const models = [
      failing('key', () => new InferenceError('model_unauthorized', 'no')),
      failing('down', () => new InferenceError('model_failed', 'no')),
    ];
    const { model } = await openRoute(clock, { models, health: { failures: 1 } });
    for (let call = 0; call < 3; call += 1) expect((await failureOf(ask(clock, model))).grade).not.toBe('pipeline');
  });

  it('a call that began before it was left alone, and fails after, is no second time', async () => {
    const clock = virtualClock();
    const one = scripted('x', { name: 'one', latencyMs: 10, faults: [{ share: 1, fault: { kind: 'overload' } }] });
    const { model } = await openRoute(clock, { models: [one] });
    const calls = [1, 2, 3].map(() => within(calmScope(clock), model.chat('hello')).subscribe({ error: () => undefined }));
    await clock.advance(20);
    expect(calls.every(({ closed }) => closed)).toBe(true);
    expect(model.describe(clock.nowMs()).parts?.[0]?.numbers).toMatchObject({ failures_total: 3, cool_downs_total: 1 });
  });

  it('its patience ends with the first piece: a long answer is not cut', async () => {
    const clock = virtualClock();
    const slow = scripted('one two three four five', { name: 'slow', latencyMs: 10, tokenMs: 50 });
    const { model } = await openRoute(clock, { models: [[slow], [said('spare')]], answerWithinMs: 100 });
    expect(await ask(clock, model)).toBe('one two three four five');
  });
});

it('a hedge’s budget grows with the calls that are made', async () => {
  const clock = virtualClock();
  const [slow, quick] = [said('slow', { latencyMs: 50 }), said('quick', { latencyMs: 900 })];
  const hedge = { afterMs: 20, budget: retryBudget({ share: 0.5, floor: 1 }) };
  const { model } = await openRoute(clock, { models: [[slow], [quick]], hedge });
  for (let i = 0; i < 8; i += 1) await ask(clock, model);
  expect(model.describe(0).numbers?.['hedges_total']).toBeGreaterThanOrEqual(3);
});
