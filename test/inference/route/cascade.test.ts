import { lastValueFrom, map, type Observable, of, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { completeModel } from '../../../src/inference/complete-model.ts';
import type { BackendChunk } from '../../../src/inference/model.ts';
import { cascade, type CascadeModel, type CascadeOptions } from '../../../src/inference/route/cascade.ts';
import { scripted, type ScriptedModel } from '../../../src/inference/scripted/scripted.ts';
import type { Resource } from '../../../src/resource.ts';
import type { Model } from '../../../src/inference/model.ts';
import { type VirtualClock, virtualClock } from '../../../src/virtual-clock.ts';
import { failureOf } from '../../helpers/failure-of.ts';
import { within } from '../../helpers/scope.ts';
import { fakeBackend } from '../fake-backend.ts';
import { calmScope, openContext, resourceOf } from './opened.ts';

const schema = z.object({ mood: z.enum(['good', 'bad']) });
const answering = (name: string, says: string): ScriptedModel => scripted(says, { name, latencyMs: 10 });
const good = '{"mood":"good"}';

async function open(options: CascadeOptions): Promise<{ readonly clock: VirtualClock; readonly model: CascadeModel }> {
  const clock = virtualClock();
  return { clock, model: (await cascade(options).open(openContext(clock))).value };
}

async function resultIn<T>(clock: VirtualClock, call: Observable<T>, scope = calmScope(clock)): Promise<T> {
  const result = lastValueFrom(within(scope, call));
  void result.catch(() => undefined);
  await clock.advance(1_000);
  return result;
}

/** Says words, each as likely as told. */
function likely(name: string, text: string, probability: number): Resource<Model> {
  const backend = fakeBackend([text], { sampling: ['logProbabilities'] }, { name });
  const chat: typeof backend.chat = (turns, options) =>
    backend.chat(turns, options).pipe(
      map((chunk): BackendChunk => {
        if (options.logProbabilities === undefined || chunk.text === '') return chunk;
        return { ...chunk, tokens: [{ token: chunk.text, logProbability: Math.log(probability), top: [] }] };
      }),
    );
  return resourceOf(completeModel({ ...backend, chat }));
}

describe('cascade', () => {
  it('asks the large model when the answer of the small one does not fit, and tells the use of both', async () => {
    const [small, large] = [answering('small', '{"mood":"so-so"}'), answering('large', good)];
    const { clock, model } = await open({ models: [small, large] });
    const told: number[] = [];
    const scope = calmScope(clock, { used: ({ outputTokens }) => told.push(outputTokens) });
    const found = await resultIn(clock, model.answer('hello', { schema }), scope);
    expect(found).toMatchObject({ value: { mood: 'good' }, model: 'large' });
    expect(found.usage.outputTokens).toBe(4); // two tokens each
    expect(model.describe(0).parts?.map(({ numbers }) => numbers)).toEqual([
      { calls_total: 1, unsure_total: 1 },
      { calls_total: 1, unsure_total: 0 },
    ]);
  });

  it('leaves it at the small one where that is sure', async () => {
    const [small, large] = [answering('small', good), answering('large', good)];
    const { clock, model } = await open({ models: [small, large] });
    expect((await resultIn(clock, model.answer('hello', { schema }))).model).toBe('small');
    expect(large.stats.calls).toBe(0);
  });

  it.each([
    { confidence: 0.7, by: 'yes' },
    { confidence: 0.5, by: 'no' },
  ])('asks for a label again that is less likely than $confidence', async ({ confidence, by }) => {
    const small = scripted('', { name: 'small', labels: () => [Math.log(0.4), Math.log(0.6)] });
    const large = scripted('', { name: 'large', labels: () => [Math.log(0.9), Math.log(0.1)] });
    const { clock, model } = await open({ models: [small, large], unsure: { confidence } });
    const found = await resultIn(clock, model.classify('hello', { labels: ['yes', 'no'] }));
    expect([found.label, large.stats.calls]).toEqual([by, by === 'yes' ? 1 : 0]);
  });

  it.each([
    { probability: 0.6, texts: 'large', answered: 'bad' },
    { probability: 0.5, texts: 'small', answered: 'good' },
  ])('judges texts and answers by the mean probability of their tokens: $probability', async ({ probability, texts, answered }) => {
    const { clock, model } = await open({
      models: [likely('small', 'small', 0.55), likely('large', 'large', 0.9)],
      unsure: { probability },
    });
    const chunks = await resultIn(clock, model.chat('hello').pipe(toArray()));
    expect(chunks.map(({ text }) => text).join('')).toBe(texts);
    expect(chunks.filter(({ tokens }) => tokens !== undefined)).toEqual([]); // nobody asked for them
    expect(chunks.at(-1)?.usage?.outputTokens).toBe(texts === 'large' ? 6 : 3);
    const typed = await open({ models: [likely('small', good, 0.55), likely('large', '{"mood":"bad"}', 0.9)], unsure: { probability } });
    expect((await resultIn(typed.clock, typed.model.answer('hello', { schema }))).value.mood).toBe(answered);
  });

  it('asks a rule of the caller, and fails with what it throws', async () => {
    const models = [answering('small', 'perhaps'), answering('large', 'certainly')];
    const { clock, model } = await open({ models, unsure: { when: (result) => result.call === 'chat' && result.text === 'perhaps' } });
    const chunks = await resultIn(clock, model.chat('hello').pipe(toArray()));
    expect(chunks.map(({ text }) => text).join('')).toBe('certainly');
    const throws = (): boolean => {
      throw new Error('no idea');
    };
    const other = await open({ models: [answering('small', 'x'), answering('large', 'y')], unsure: { when: throws } });
    await expect(resultIn(other.clock, other.model.chat('hello'))).rejects.toThrow('no idea');
  });

  it('goes on to who has room for the prompt', async () => {
    const small = scripted('small', { name: 'small', capabilities: { contextTokens: 600 } });
    const { clock, model } = await open({ models: [small, answering('large', 'large')] });
    expect((await resultIn(clock, model.chat('word '.repeat(300)).pipe(toArray()))).map(({ text }) => text).join('')).toBe('large');
  });

  it('takes an outage for no doubt', async () => {
    const down = scripted('', { name: 'down', faults: [{ share: 1, fault: { kind: 'status', status: 500 } }] });
    const large = answering('large', good);
    const { clock, model } = await open({ models: [down, large] });
    expect((await failureOf(resultIn(clock, model.answer('hello', { schema })))).code).toBe('model_failed');
    expect(large.stats.calls).toBe(0);
  });

  it('passes on pieces of the last model as they come, and stops what runs', async () => {
    const large = scripted('one two three', { name: 'large', tokenMs: 100 });
    const { clock, model } = await open({ models: [answering('small', 'x'), large], unsure: { when: () => true } });
    const seen: string[] = [];
    const running = within(calmScope(clock), model.chat('hello')).subscribe({
      next: ({ text }) => seen.push(text),
      error: expect.unreachable,
    });
    await clock.advance(150);
    expect(seen).toEqual(['one', ' two']);
    running.unsubscribe();
    expect([large.stats.running, large.stats.aborted]).toEqual([0, 1]);
    await clock.runUntilIdle();
  });

  it('does not start with a model that cannot tell what it is judged by', async () => {
    const models = [answering('small', ''), answering('large', '')];
    for (const unsure of [{ confidence: 0.5 }, { probability: 0.5 }]) {
      const failure = await failureOf(cascade({ models, unsure }).open(openContext(virtualClock())));
      expect(failure).toMatchObject({ code: 'capability_missing' });
    }
  });

  it('refuses options out of range, at once and at the call', async () => {
    const models = [answering('small', ''), answering('large', '')];
    expect(() => cascade({ models: models.slice(1) })).toThrow('cascade.models must be 2 to 10 models, got 1');
    expect(() => cascade({ models, unsure: { confidence: 2 } })).toThrow('cascade.unsure.confidence must be a number');
    expect(() => cascade({ models, unsure: { errors: ['gone' as never] } })).toThrow('cascade.unsure.errors must be one of');
    const { model } = await open({ models });
    expect(() => model.chat('hello', { maxTokens: 0 })).toThrow('maxTokens');
    expect(await lastValueFrom(of(model.capabilities.embeddings))).toBe(true);
  });
});
