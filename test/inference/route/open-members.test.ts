import { firstValueFrom, lastValueFrom, Subscription } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { Model } from '../../../src/inference/model.ts';
import { route, type RouteOptions } from '../../../src/inference/route/route.ts';
import type { Resource } from '../../../src/resource.ts';
import { virtualClock } from '../../../src/virtual-clock.ts';
import { failureOf } from '../../helpers/failure-of.ts';
import { within } from '../../helpers/scope.ts';
import { able, ask, calmScope, openContext, openRoute, resourceOf, said } from './opened.ts';

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

  it('tries nothing again once it is closed', async () => {
    const clock = virtualClock();
    const slow: Resource<Model> = {
      name: 'slow',
      open: ({ signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => {
            reject(new Error('given up'));
          });
        }),
    };
    const { close, logged } = await openRoute(clock, { models: [said('a'), { model: slow, optional: true }] });
    await close();
    await clock.runUntilIdle();
    expect([clock.nowMs(), logged]).toEqual([0, []]);
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
