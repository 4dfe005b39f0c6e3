import { firstValueFrom, lastValueFrom, type Observable, Subscription, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { completeModel } from '../../../src/inference/complete-model.ts';
import type { Model, ModelCapabilities } from '../../../src/inference/model.ts';
import { type RoutedModel, route, type RouteOptions } from '../../../src/inference/route/route.ts';
import { scripted, type ScriptedModel } from '../../../src/inference/scripted/scripted.ts';
import { retryBudget } from '../../../src/policies/retry-budget.ts';
import type { Resource } from '../../../src/resource.ts';
import { type VirtualClock, virtualClock } from '../../../src/virtual-clock.ts';
import { failureOf } from '../../helpers/failure-of.ts';
import { within } from '../../helpers/scope.ts';
import { fakeBackend } from '../fake-backend.ts';
import { calmScope, openContext, openRoute } from './opened.ts';

const said = (name: string, options: Parameters<typeof scripted>[1] = {}): ScriptedModel =>
  scripted(name, { name, latencyMs: 10, ...options });
const failing = (name: string, status = 500): ScriptedModel =>
  said(name, { faults: [{ share: 1, fault: status === 429 ? { kind: 'overload' } : { kind: 'status', status } }] });

/** The text of one answer, in virtual time. */
async function ask(clock: VirtualClock, model: Model, prompt = 'hello', scope = calmScope(clock)): Promise<string> {
  const asked = lastValueFrom(within(scope, model.chat(prompt)).pipe(toArray()));
  void asked.catch(() => undefined);
  await clock.advance(1_000);
  return (await asked).map(({ text }) => text).join('');
}

const callsOf = (models: readonly ScriptedModel[]): readonly number[] => models.map(({ stats }) => stats.calls);

describe('route', () => {
  it('gives each call to the model that has least to do, and the place of one that has ended to the next', async () => {
    const clock = virtualClock();
    const models = [said('a', { latencyMs: 100 }), said('b', { latencyMs: 300 })];
    const { model } = await openRoute(clock, { models });
    for (let i = 0; i < 4; i += 1) within(calmScope(clock), model.chat('hello')).subscribe();
    expect(callsOf(models)).toEqual([2, 2]);
    await clock.advance(150);
    for (let i = 0; i < 2; i += 1) within(calmScope(clock), model.chat('hello')).subscribe();
    expect(callsOf(models)).toEqual([4, 2]);
    await clock.runUntilIdle();
    expect((await firstValueFrom(model.state())).running).toBe(0);
    expect(model.describe(0).parts?.map(({ used, numbers }) => [used, numbers?.['outstanding_tokens']])).toEqual([
      [0, 0],
      [0, 0],
    ]);
  });

  it.each([
    { what: 'a server error', status: 500 },
    { what: 'an overload', status: 429 },
    { what: 'a key that is refused', status: 401 },
  ])('asks the next model at once after $what, and the call further out sees one answer', async ({ status }) => {
    const clock = virtualClock();
    const [bad, good] = [failing('bad', status), said('good')];
    const { model } = await openRoute(clock, { models: [[bad], [good]] });
    expect(await ask(clock, model)).toBe('good');
    expect(callsOf([bad, good])).toEqual([1, 1]);
    expect(model.describe(0).numbers).toMatchObject({ calls_total: 1, failovers_total: 1 });
  });

  it('asks nobody else for what lies with the record', async () => {
    const clock = virtualClock();
    const [bad, good] = [failing('bad', 400), said('good')];
    const { model } = await openRoute(clock, { models: [[bad], [good]] });
    expect((await failureOf(ask(clock, model))).code).toBe('model_rejected');
    expect(callsOf([bad, good])).toEqual([1, 0]);
  });

  it('never goes on with another model when a stream has emitted', async () => {
    const clock = virtualClock();
    const cut = scripted('one two three', { name: 'cut', faults: [{ share: 1, fault: { kind: 'cut', afterTokens: 1 } }] });
    const spare = said('spare');
    const { model } = await openRoute(clock, { models: [[cut], [spare]] });
    expect((await failureOf(ask(clock, model))).code).toBe('model_failed');
    expect(callsOf([cut, spare])).toEqual([1, 0]);
  });

  it('leaves a model alone after three failures, lets one call probe when its time is over, and comes back with its success', async () => {
    const clock = virtualClock();
    const weak = said('weak', { storms: [{ fromMs: 0, toMs: 5_500, fault: { kind: 'status', status: 500 } }] });
    const spare = said('spare');
    const { model, logged } = await openRoute(clock, { models: [[weak], [spare]], health: { coolDownMs: 2_000, maxCoolDownMs: 2_000 } });
    for (let i = 0; i < 5; i += 1) expect(await ask(clock, model)).toBe('spare');
    // three failures at 0, 1,000 and 2,000; out until 3,510 to 4,010 with a chance of 0.5, so the call at 4,000 probes
    expect(weak.stats.calls).toBe(4);
    expect(model.describe(clock.nowMs()).parts?.[0]).toMatchObject({ reason: 'the model is left alone for its failures' });
    expect(logged[0]).toMatch(/^warn: model weak of route is left alone for 1500 ms: /);
    await clock.advance(2_000);
    expect([await ask(clock, model), await ask(clock, model)]).toEqual(['weak', 'weak']);
    expect(model.describe(clock.nowMs()).parts?.[0]?.numbers).toMatchObject({ failures_total: 4, open_degree: 0, cool_downs_total: 2 });
  });

  it('sends one probe at a time, and everybody else elsewhere', async () => {
    const clock = virtualClock();
    const weak = said('weak', { latencyMs: 400, storms: [{ fromMs: 0, toMs: 10, fault: { kind: 'overload', retryAfterMs: 2_000 } }] });
    const spare = said('spare');
    const { model } = await openRoute(clock, { models: [[weak], [spare]] });
    expect(await ask(clock, model)).toBe('spare');
    await clock.advance(1_499);
    expect(model.describe(clock.nowMs()).parts?.[0]?.numbers).toMatchObject({ open_degree: 2 });
    await clock.advance(1); // 400, 2,000 and a twentieth of that
    for (let i = 0; i < 4; i += 1) within(calmScope(clock), model.chat('hello')).subscribe();
    expect(callsOf([weak, spare])).toEqual([2, 4]);
    await clock.runUntilIdle();
    for (let i = 0; i < 4; i += 1) within(calmScope(clock), model.chat('hello')).subscribe();
    expect(callsOf([weak, spare])).toEqual([6, 4]);
    await clock.runUntilIdle();
  });

  it('fails as an open breaker when all are left alone, with the time of the first, and its own error where nobody waits', async () => {
    const clock = virtualClock();
    const models = [
      said('a', { faults: [{ share: 1, fault: { kind: 'overload', retryAfterMs: 4_000 } }] }),
      said('b', { faults: [{ share: 1, fault: { kind: 'overload', retryAfterMs: 8_000 } }] }),
    ];
    const { model } = await openRoute(clock, { models });
    expect(await failureOf(ask(clock, model))).toMatchObject({ code: 'overloaded' });
    const waited = await failureOf(ask(clock, model, 'hello', calmScope(clock, { waitsOut: true })));
    expect(waited).toMatchObject({ code: 'breaker_open' });
    expect(waited.retryAfterMs).toBe(4_200 - 1_000 + 10);
    expect(callsOf(models)).toEqual([1, 1]);
  });

  it('counts a call that was given up in silence, and not one whose model was telling others something', async () => {
    const clock = virtualClock();
    const mute = completeModel({ ...fakeBackend(['hang']), name: 'mute' });
    const resource = resourceOf(mute);
    const spare = said('spare');
    const { model } = await openRoute(clock, { models: [[resource], [spare]], health: { failures: 1 } });
    const short = within(calmScope(clock), model.chat('hello')).subscribe();
    await clock.advance(4_999);
    short.unsubscribe();
    expect(model.describe(clock.nowMs()).parts?.[0]?.numbers?.['failures_total']).toBe(0);
    const long = within(calmScope(clock), model.chat('hello')).subscribe();
    await clock.advance(5_000);
    long.unsubscribe();
    expect(model.describe(clock.nowMs()).parts?.[0]?.numbers).toMatchObject({ failures_total: 1, open_degree: 2, outstanding_tokens: 0 });
    expect(await ask(clock, model)).toBe('spare');
  });

  it('asks the next where one has not begun to answer in time', async () => {
    const clock = virtualClock();
    const [slow, quick] = [said('slow', { latencyMs: 900 }), said('quick')];
    const { model } = await openRoute(clock, { models: [[slow], [quick]], answerWithinMs: 100 });
    expect(await ask(clock, model)).toBe('quick');
    expect(slow.stats.aborted).toBe(1);
  });

  it('asks later tiers when there is no room, and again the first when there is', async () => {
    const clock = virtualClock();
    const [local, cloud] = [said('local', { latencyMs: 100 }), said('cloud', { latencyMs: 100 })];
    const { model } = await openRoute(clock, { models: [[{ model: local, softLimit: 2 }], [cloud]] });
    for (let i = 0; i < 5; i += 1) within(calmScope(clock), model.chat('hello')).subscribe();
    expect(callsOf([local, cloud])).toEqual([2, 3]);
    await clock.runUntilIdle();
    await ask(clock, model);
    expect(callsOf([local, cloud])).toEqual([3, 3]);
  });
});

const resourceOf = (model: Model, closed: string[] = []): Resource<Model> => ({
  name: model.name,
  open: () =>
    Promise.resolve({
      value: model,
      close: () => {
        closed.push(model.name);
        return Promise.resolve();
      },
    }),
});

const able = (name: string, over: Partial<ModelCapabilities>): ScriptedModel =>
  said(name, { capabilities: { embeddings: false, ...over } });

describe('who can do what a call asks', () => {
  it('leaves out who lacks an option, a capability, or the room', async () => {
    const clock = virtualClock();
    const small = able('small', { contextTokens: 600, sampling: [] });
    const large = able('large', { contextTokens: 4_000, embeddings: true });
    const models = [[small], [large]];
    const { model } = await openRoute(clock, { models });
    await ask(clock, model);
    expect(callsOf([small, large])).toEqual([1, 0]);
    await ask(clock, model, 'word '.repeat(500)); // does not fit by the estimate
    expect(callsOf([small, large])).toEqual([1, 1]);
    within(calmScope(clock), model.chat('hello', { seed: 1 })).subscribe();
    within(calmScope(clock), model.chat('hello', { maxTokens: 600 })).subscribe();
    within(calmScope(clock), model.embed(['hello'])).subscribe();
    expect(callsOf([small, large])).toEqual([1, 4]);
    await clock.runUntilIdle();
  });

  it('asks a larger one where an estimate was too low and the model itself says that it does not fit', async () => {
    const clock = virtualClock();
    const small = able('small', { contextTokens: 600 });
    const large = able('large', { contextTokens: 4_000 });
    const { model } = await openRoute(clock, { models: [[small], [large]] });
    expect(await ask(clock, model, 'a '.repeat(150))).toBe('large'); // 79 by the estimate, 150 by its own tokens
    expect(callsOf([small, large])).toEqual([1, 1]);
    expect(model.describe(0).parts?.[0]?.numbers?.['failures_total']).toBe(0);
  });

  it.each<[string, (model: RoutedModel) => Observable<unknown>, string]>([
    ['an option that none knows', (model) => model.chat('hello', { stopTokens: ['<|end|>'] }), 'capability_missing'],
    ['a call that none can make', (model) => model.complete('hello'), 'capability_missing'],
    ['an answer that is too long for all', (model) => model.chat('hello', { maxTokens: 5_000 }), 'prompt_too_long'],
    ['a prompt that is too long for all', (model) => model.chat('word '.repeat(6_000)), 'prompt_too_long'],
  ])('fails for %s', async (_, call, code) => {
    const clock = virtualClock();
    const { model } = await openRoute(clock, { models: [able('a', { contextTokens: 600 }), able('b', { contextTokens: 4_000 })] });
    const failure = failureOf(lastValueFrom(within(calmScope(clock), call(model))));
    await clock.runUntilIdle();
    expect((await failure).code).toBe(code);
  });

  it('refuses options out of range at the call', async () => {
    const { model } = await openRoute(virtualClock(), { models: [said('a')] });
    expect(() => model.chat('hello', { maxTokens: 0 })).toThrow('maxTokens must be an integer from 1 to 1000000, got 0');
    expect(() => model.classify('hello', { labels: ['one'] })).toThrow('labels must be a list of 2 to 256 strings');
    expect(() => model.answer('hello', { schema: z.string(), repairs: -1 })).toThrow('repairs must be an integer from 0 to 10, got -1');
  });

  it('tells what any can be asked for, and what all keep', async () => {
    const { model } = await openRoute(virtualClock(), {
      models: [
        able('a', { contextTokens: 600, jsonSchema: false, sampling: ['seed'] }),
        able('b', { contextTokens: 4_000, embeddings: true, sampling: ['topP'] }),
      ],
    });
    expect(model.capabilities).toEqual({
      ...{ contextTokens: 4_000, jsonSchema: false, logProbabilities: false, embeddings: true, completion: false },
      ...{ reranking: false, tensors: false, sampling: ['seed', 'topP'], exactTokens: true },
    });
  });

  it('makes embeddings with models of one name alone', async () => {
    const clock = virtualClock();
    const [one, twin, other] = [said('minilm'), said('minilm'), said('bge')];
    const { model } = await openRoute(clock, { models: [one, twin, other] });
    for (let i = 0; i < 6; i += 1) within(calmScope(clock), model.embed(['hello'])).subscribe();
    await clock.runUntilIdle();
    expect(callsOf([one, twin, other])).toEqual([3, 3, 0]);
  });
});

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

describe('a pool as a resource', () => {
  it('opens all and closes all', async () => {
    const closed: string[] = [];
    const models = ['a', 'b'].map((name) => resourceOf(said(name), closed));
    const { close } = await openRoute(virtualClock(), { models });
    await close();
    expect(closed.toSorted()).toEqual(['a', 'b']);
  });

  it('fails with the reason of one that cannot be opened, and closes the others', async () => {
    const closed: string[] = [];
    const broken: Resource<Model> = { name: 'broken', open: () => Promise.reject(new Error('no such file')) };
    const opening = route({ models: [resourceOf(said('a'), closed), broken] }).open(openContext(virtualClock()));
    expect(await failureOf(opening)).toMatchObject({
      code: 'resource_failed',
      message: 'model broken of route cannot be opened: no such file',
    });
    expect(closed).toEqual(['a']);
  });

  it('starts without one that is optional, tries it again, and has it from then on', async () => {
    const clock = virtualClock();
    const closed: string[] = [];
    let tries = 0;
    const late: Resource<Model> = {
      name: 'late',
      open: (context) => {
        tries += 1;
        return tries < 3 ? Promise.reject(new Error('not yet')) : resourceOf(said('late'), closed).open(context);
      },
    };
    const { model, close, logged } = await openRoute(clock, { models: [[{ model: late, optional: true }], [said('spare')]] });
    expect(await ask(clock, model)).toBe('spare');
    expect(model.describe(0).parts?.[0]).toMatchObject({ reason: 'the model could not be opened yet' });
    await clock.advance(3_000);
    expect([tries, await ask(clock, model)]).toEqual([3, 'late']);
    expect(logged).toHaveLength(2);
    await close();
    expect(closed).toEqual(['late']);
    await clock.runUntilIdle();
  });

  it('does not start when none can be opened, and tries nothing afterwards', async () => {
    const clock = virtualClock();
    let tries = 0;
    const broken = (name: string): Resource<Model> => ({
      name,
      open: () => {
        tries += 1;
        return Promise.reject(new Error(`${name} is gone`));
      },
    });
    const models = [broken('a'), broken('b')].map((model) => ({ model, optional: true }));
    const failure = await failureOf(route({ models }).open(openContext(clock)));
    expect(failure.message).toBe(
      'none of the models of route can be opened: model a of route cannot be opened: a is gone; model b of route cannot be opened: b is gone',
    );
    await clock.runUntilIdle();
    expect(tries).toBe(2);
  });

  it('waits for what is not open yet before it says that nobody can', async () => {
    const clock = virtualClock();
    const late: Resource<Model> = { name: 'late', open: () => new Promise(() => undefined) };
    const { model } = await openRoute(clock, { models: [able('a', {}), { model: late, optional: true }] });
    expect((await failureOf(lastValueFrom(model.embed(['hello'])))).code).toBe('model_unavailable');
  });

  it('adds up how busy its models are', async () => {
    const clock = virtualClock();
    const { model } = await openRoute(clock, { models: [said('a'), said('b')] });
    const running = Array.from({ length: 3 }, () => within(calmScope(clock), model.chat('hello')).subscribe());
    expect(await firstValueFrom(model.state())).toEqual({ running: 3, waiting: 0, slots: undefined });
    const all = new Subscription();
    for (const one of running) all.add(one);
    all.unsubscribe();
    expect(await firstValueFrom(model.state())).toEqual({ running: 0, waiting: 0, slots: undefined });
    expect(model.describe(0).used).toBe(0);
  });

  it('counts tokens by the first that is well', async () => {
    const clock = virtualClock();
    const { model } = await openRoute(clock, { models: [[said('a')], [said('b')]] });
    expect(await firstValueFrom(model.countTokens('one two three'))).toBe(3);
    expect(await firstValueFrom(model.estimate('one two three', { maxTokens: 10 }))).toBe(13);
  });

  it.each<[string, RouteOptions, string]>([
    ['no models', { models: [] }, 'route.models must be a list of at least one model'],
    ['an unknown policy', { models: [said('a')], policy: 'best' as never }, 'route.policy must be one of least-tokens, round-robin,'],
    ['no prices', { models: [said('a')], policy: 'price' }, 'route by price needs prices of each model: a has none'],
    ['a model twice', twice(), 'route.models must be given once each'],
    [
      'a name twice',
      {
        models: [
          { model: said('a'), name: 'x' },
          { model: said('b'), name: 'x' },
        ],
      },
      'unlike any other in the pool, got "x" twice',
    ],
    ['a tier within lists', { models: [[{ model: said('a'), tier: 1 }]] }, 'route.models[0].tier stands beside lists'],
    ['what is no model', { models: [{} as never] }, 'route.models[0].model must be a model as a resource'],
    ['an unknown option', { models: [said('a')], polcy: 'price' } as never, 'route has no option polcy; did you mean policy?'],
    [
      'a hedge without a time',
      { models: [said('a')], hedge: { afterMs: 'p99' as never } },
      "route.hedge.afterMs, unless 'p95', must be a number >= 0",
    ],
  ])('refuses %s', (_, options, message) => {
    expect(() => route(options)).toThrow(message);
  });
});

function twice(): RouteOptions {
  const a = said('a');
  return { models: [a, a] };
}
