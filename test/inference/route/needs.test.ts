import { lastValueFrom, type Observable } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type RoutedModel } from '../../../src/inference/route/route.ts';
import { prefixOf } from '../../../src/inference/route/needs.ts';
import { virtualClock } from '../../../src/virtual-clock.ts';
import { failureOf } from '../../helpers/failure-of.ts';
import { within } from '../../helpers/scope.ts';
import { able, ask, callsOf, calmScope, openRoute, said } from './opened.ts';

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

  it('asks nobody where the answer alone would fill the context of all', async () => {
    const clock = virtualClock();
    const models = [able('a', { contextTokens: 600 }), able('b', { contextTokens: 4_000 })];
    const { model } = await openRoute(clock, { models });
    expect((await failureOf(lastValueFrom(model.chat('hello', { maxTokens: 4_000 })))).code).toBe('prompt_too_long');
    expect(callsOf(models)).toEqual([0, 0]);
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
      ...{ reranking: false, tensors: false, tools: false, sampling: ['seed', 'topP'], exactTokens: true },
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

const system = { role: 'system', content: 'be brief' } as const;
const user = (content: string) => ({ role: 'user', content }) as const;
const assistant = { role: 'assistant', content: 'yes' } as const;

describe('prefixOf', () => {
  it.each([
    ['of a single turn its beginning', [user('a'.repeat(300))], 'a'.repeat(256)],
    ['the system prompt, which all records share', [system, user('one')], 'system: be brief'],
    ['with the first example', [system, user('example'), assistant, user('one')], 'system: be brief\nuser: example'],
    [
      'a conversation stays where it was',
      [system, user('example'), assistant, user('one'), assistant, user('two')],
      'system: be brief\nuser: example',
    ],
    ['of an answer that is begun what it is about', [user('one'), assistant], 'user: one'],
    ['of nothing nothing', [], ''],
  ])('%s', (_, turns, expected) => {
    expect(prefixOf(turns)).toBe(expected);
  });
});
