import { lastValueFrom, type Observable, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type ParallelModels, parallelModels, type ParallelModelsOptions } from '../../../src/inference/route/parallel-models.ts';
import type { PolicyState } from '../../../src/policies/policy-state.ts';
import { scripted, type ScriptedModel } from '../../../src/inference/scripted/scripted.ts';
import { type VirtualClock, virtualClock } from '../../../src/virtual-clock.ts';
import { failureOf } from '../../helpers/failure-of.ts';
import { within } from '../../helpers/scope.ts';
import { calmScope, openContext } from './opened.ts';

const schema = z.object({ mood: z.string() });
const saying = (name: string, mood: string, latencyMs = 10, fails = false): ScriptedModel =>
  scripted(JSON.stringify({ mood }), {
    name,
    latencyMs,
    ...(fails ? { faults: [{ share: 1, fault: { kind: 'status', status: 500 } }] } : {}),
  });

async function open(options: ParallelModelsOptions): Promise<{ readonly clock: VirtualClock; readonly model: ParallelModels }> {
  const clock = virtualClock();
  return { clock, model: (await parallelModels(options).open(openContext(clock))).value };
}

async function resultIn<T>(clock: VirtualClock, call: Observable<T>, ms = 1_000): Promise<T> {
  const result = lastValueFrom(within(calmScope(clock), call));
  void result.catch(() => undefined);
  await clock.advance(ms);
  return result;
}

describe('parallelModels', () => {
  it('gives what most say, as soon as nothing can change it, and aborts who still runs', async () => {
    const models = [saying('a', 'good'), saying('b', 'bad', 20), saying('c', 'good', 30), saying('d', 'bad', 900), saying('e', 'good', 40)];
    const { clock, model } = await open({ models });
    const { value, usage, model: by } = await resultIn(clock, model.answer('hello', { schema }), 41);
    expect([value, by]).toEqual([{ mood: 'good' }, 'a']);
    expect(usage.inputTokens).toBe(4); // of those that answered
    expect(models.map(({ stats }) => [stats.completed, stats.aborted])).toEqual([
      [1, 0],
      [1, 0],
      [1, 0],
      [0, 1],
      [1, 0],
    ]);
  });

  it('tells how often each was asked, failed and was outvoted, and what runs', async () => {
    const models = [
      saying('a', 'good'),
      saying('b', 'bad', 20),
      saying('c', 'good', 30),
      saying('d', 'none', 5, true),
      saying('e', 'good', 40),
    ];
    const { clock, model } = await open({ models, name: 'jury' });
    await resultIn(clock, model.answer('hello', { schema }));
    await resultIn(clock, model.compareAnswers('hello', { schema }));
    const numbers = ({ name, numbers: told }: PolicyState) => [
      name,
      told?.['calls_total'],
      told?.['failures_total'],
      told?.['dissents_total'],
    ];
    const state = model.describe(clock.nowMs());
    expect(state).toMatchObject({ name: 'jury', kind: 'parallel-models', used: 0, numbers: { calls_total: 2 } });
    expect(state.parts?.map(numbers)).toEqual([
      ['a', 2, 0, 0],
      ['b', 2, 0, 2],
      ['c', 2, 0, 0],
      ['d', 2, 2, 0],
      ['e', 2, 0, 0],
    ]);
    const running = within(calmScope(clock), model.chat('hello')).subscribe({ error: () => undefined });
    expect(model.describe(clock.nowMs())).toMatchObject({ used: 5, parts: [{ used: 1 }, {}, {}, {}, {}] });
    running.unsubscribe();
    expect(model.describe(clock.nowMs()).used).toBe(0);
    expect(model.describe(clock.nowMs()).parts?.[0]?.numbers).toMatchObject({ calls_total: 3, failures_total: 0, weight: 1 });
  });

  it('weighs voices where it is told to', async () => {
    const models = [{ model: saying('a', 'good'), weight: 3 }, saying('b', 'bad'), saying('c', 'bad')];
    const { clock, model } = await open({ models, vote: 'weighted' });
    expect((await resultIn(clock, model.answer('hello', { schema }))).value).toEqual({ mood: 'good' });
  });

  it('shows every opinion, with the agreement', async () => {
    const models = [saying('a', 'good', 30), saying('b', 'bad'), saying('c', 'good'), saying('d', '', 5, true)];
    const { clock, model } = await open({ models });
    const found = await resultIn(clock, model.compareAnswers('hello', { schema }));
    expect(found).toMatchObject({ value: { mood: 'good' }, agreement: 0.5 });
    expect(found.opinions.map((one) => ('value' in one ? [one.name, one.value.mood, one.agrees] : [one.name, String(one.error)]))).toEqual([
      ['a', 'good', true],
      ['b', 'bad', false],
      ['c', 'good', true],
      ['d', 'InferenceError: scripted: status 500'],
    ]);
  });

  it('says alike what the caller takes for alike', async () => {
    const models = [saying('a', 'bad'), saying('b', 'good'), saying('c', 'GOOD')];
    const alike = (a: unknown, b: unknown): boolean => JSON.stringify(a).toLowerCase() === JSON.stringify(b).toLowerCase();
    const { clock, model } = await open({ models, same: alike });
    expect((await resultIn(clock, model.compareAnswers('hello', { schema }))).agreement).toBeCloseTo(2 / 3);
    expect((await resultIn(clock, model.compareTexts('hello'))).agreement).toBeCloseTo(2 / 3);
  });

  it('votes on texts and labels, too', async () => {
    const labelled = (name: string, probability: number): ScriptedModel =>
      scripted('yes', { name, labels: () => [Math.log(probability), Math.log(1 - probability)] });
    const { clock, model } = await open({ models: [labelled('a', 0.6), labelled('b', 0.9), labelled('c', 0.3)] });
    const found = await resultIn(clock, model.compareLabels('hello', { labels: ['yes', 'no'] }));
    expect([found.value, found.agreement]).toEqual(['yes', 2 / 3]);
    const chunks = await resultIn(clock, model.chat('hello').pipe(toArray()));
    expect([chunks.map(({ text }) => text).join(''), chunks.at(-1)?.usage?.outputTokens]).toEqual(['yes', 2]); // the third was not waited for
    const { label, confidence } = await resultIn(clock, model.classify('hello', { labels: ['yes', 'no'] }));
    expect(label).toBe('yes');
    expect([0.6, 0.75]).toContainEqual(expect.closeTo(confidence));
  });

  it('fails at once when fewer than half can answer, with the most telling error, and aborts the others', async () => {
    const models = [saying('a', '', 10, true), saying('b', '', 20, true), saying('c', 'good', 900)];
    const { clock, model } = await open({ models });
    expect((await failureOf(resultIn(clock, model.answer('hello', { schema }), 21))).code).toBe('model_failed');
    expect(models[2]?.stats.aborted).toBe(1);
  });

  it('makes do with as many as it is told to', async () => {
    const { clock, model } = await open({
      models: [saying('a', '', 10, true), saying('b', '', 20, true), saying('c', 'good')],
      atLeast: 1,
    });
    expect((await resultIn(clock, model.answer('hello', { schema }))).value).toEqual({ mood: 'good' });
  });

  it('tells what those have taken that were not waited for, and nothing where the whole call is given up', async () => {
    const told: number[] = [];
    const { clock, model } = await open({ models: [saying('a', 'good'), saying('b', 'good'), saying('c', 'bad', 900)] });
    const scope = calmScope(clock, { used: ({ inputTokens }) => told.push(inputTokens) });
    const result = lastValueFrom(within(scope, model.answer('hello', { schema })));
    await clock.advance(10);
    await result;
    expect(told).toEqual([1, 1, 6]); // an estimate of the last
    within(scope, model.answer('hello', { schema })).subscribe().unsubscribe();
    expect(told).toHaveLength(3);
  });

  it('stops all when nobody waits any more', async () => {
    const models = [saying('a', 'good'), saying('b', 'good')];
    const { clock, model } = await open({ models });
    within(calmScope(clock), model.answer('hello', { schema })).subscribe().unsubscribe();
    expect(models.map(({ stats }) => stats.aborted)).toEqual([1, 1]);
    await clock.runUntilIdle();
    expect(clock.nowMs()).toBe(0);
  });

  it('fails with what a comparison throws', async () => {
    const throws = (): boolean => {
      throw new Error('no idea');
    };
    const { clock, model } = await open({ models: [saying('a', 'good'), saying('b', 'good')], same: throws });
    await expect(resultIn(clock, model.answer('hello', { schema }))).rejects.toThrow('no idea');
  });

  it.each<[string, ParallelModelsOptions, string]>([
    ['one model', { models: [saying('a', '')] }, 'parallelModels.models must be 2 to 10 models, got 1'],
    [
      'weights that do not count',
      { models: [{ model: saying('a', ''), weight: 2 }, saying('b', '')] },
      "counts with vote: 'weighted' alone",
    ],
    [
      'more than there are',
      { models: [saying('a', ''), saying('b', '')], atLeast: 3 },
      'parallelModels.atLeast must be an integer from 1 to 2, got 3',
    ],
    [
      'an unknown vote',
      { models: [saying('a', ''), saying('b', '')], vote: 'veto' as never },
      'parallelModels.vote must be one of majority, weighted',
    ],
  ])('refuses %s', (_, options, message) => {
    expect(() => parallelModels(options)).toThrow(message);
  });
});
