import { EMPTY, firstValueFrom, lastValueFrom, NEVER, of } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { completeModel } from '../../src/inference/complete-model.ts';
import type { ChatOptions, ModelBackend, Tensor } from '../../src/inference/model.ts';
import { scripted } from '../../src/inference/scripted/scripted.ts';
import { failureOf } from '../helpers/failure-of.ts';
import { resultOf } from '../helpers/result-of.ts';
import { fakeBackend, usageOf } from './fake-backend.ts';

const scores = (...given: number[]): Partial<ModelBackend> => ({ rerank: () => of({ scores: given, usage: usageOf(5, 0) }) });
const tensor = (over: Partial<Tensor> = {}): Tensor => ({ name: 'x', shape: [2, 2], data: Float32Array.of(1, 2, 3, 4), ...over });

describe('what a back end cannot do', () => {
  const plain = completeModel(fakeBackend(['ok']));
  it.each([
    ['complete', plain.complete('once upon')],
    ['rerank', plain.rerank('q', ['a'])],
    ['infer', plain.infer([tensor()])],
  ])('%s fails with capability_missing, and what to do', async (_, call) => {
    const failure = await failureOf(resultOf<unknown>(call));
    expect([failure.code, failure.message]).toEqual(['capability_missing', expect.stringMatching(/^model fake .*; use /)]);
  });

  it.each<[string, ChatOptions]>([
    ['topK', { topK: 3 }],
    ['minP', { minP: 0.1 }],
    ['stopTokens', { stopTokens: ['<|im_end|>'] }],
    ['logProbabilities', { logProbabilities: 2 }],
  ])('%s is not left out in silence', async (name, options) => {
    const backend = fakeBackend(['ok']);
    const failure = await failureOf(lastValueFrom(completeModel(backend).chat('x', options)));
    expect([failure.code, failure.message]).toEqual(['capability_missing', expect.stringContaining(name)]);
    expect(backend.asked).toEqual([]);
  });
});

it.each<[string, ChatOptions]>([
  ['topK', { topK: 0 }],
  ['minP', { minP: 1.1 }],
  ['stopTokens', { stopTokens: [''] }],
  ['logProbabilities', { logProbabilities: 21 }],
])('%s has a range', (name, options) => {
  expect(() => completeModel(fakeBackend([])).chat('x', options)).toThrow(name);
});

describe('rerank', () => {
  const model = (extra: Partial<ModelBackend>) => completeModel(fakeBackend([], { reranking: true }, extra));
  it('emits every document once, best first, equals in their order', async () => {
    const { ranking } = await resultOf(model(scores(0.2, 0.9, 0.2)).rerank('q', ['a', 'b', 'c']));
    expect(ranking).toEqual([
      { index: 1, score: 0.9 },
      { index: 0, score: 0.2 },
      { index: 2, score: 0.2 },
    ]);
  });
  it.each([[[1]], [[1, Number.NaN]], [[1, 2, 3]]])('refuses scores %j for two documents', async (given) => {
    expect((await failureOf(resultOf(model(scores(...given)).rerank('q', ['a', 'b'])))).code).toBe('model_failed');
  });
  it('asks nobody about no documents', async () => {
    expect((await resultOf(model({ rerank: () => NEVER }).rerank('q', []))).ranking).toEqual([]);
  });
});

describe('infer', () => {
  const model = completeModel(fakeBackend([], { tensors: true }, { infer: (inputs) => of(inputs) }));
  it('passes tensors on', async () => {
    expect(await resultOf(model.infer([tensor()]))).toEqual({ outputs: [tensor()], model: 'fake' });
  });
  it.each([
    ['no tensors', []],
    ['a shape that does not fit', [tensor({ shape: [3] })]],
    ['a shape that is none', [tensor({ shape: [-2, -2] })]],
    ['a name twice', [tensor(), tensor()]],
  ])('refuses %s at the call', (_, inputs) => {
    expect(() => model.infer(inputs)).toThrow(/^inputs/);
  });
});

describe('state, warmUp, dispose', () => {
  it('count calls where the back end does not, and are at rest after each of their ends', async () => {
    const model = completeModel(fakeBackend(['hang', 'ok']));
    const hanging = model.chat('x').subscribe();
    expect(await firstValueFrom(model.state())).toEqual({ running: 1, waiting: 0, slots: undefined });
    hanging.unsubscribe();
    await lastValueFrom(model.chat('x'));
    expect((await firstValueFrom(model.state())).running).toBe(0);
  });
  it('are the back end’s where it has them, and cold', async () => {
    const told: string[] = [];
    const model = completeModel(
      fakeBackend(
        [],
        {},
        {
          state: () => of({ running: 1, waiting: 2, slots: 3 }),
          warmUp: () => (told.push('warmUp'), EMPTY),
          dispose: () => (told.push('dispose'), EMPTY),
        },
      ),
    );
    const calls = [model.warmUp(), model.dispose()];
    expect(told).toEqual([]);
    for (const one of calls) await lastValueFrom(one, { defaultValue: undefined });
    expect(told).toEqual(['warmUp', 'dispose']);
    expect((await firstValueFrom(model.state())).slots).toBe(3);
  });
});

it('a call says at its end what it cost, cached tokens at their own price', async () => {
  const prices = { inputPerMillion: 1, outputPerMillion: 10, cachedPerMillion: 0.5 };
  const usage = { inputTokens: 1_000, cachedTokens: 400, outputTokens: 100, totalTokens: 1_100 };
  const last = { text: '', index: 0, usage, finishReason: 'stop' as const };
  const model = completeModel({ ...fakeBackend([]), prices, chat: () => of(last) });
  expect((await lastValueFrom(model.chat('x'))).cost).toBeCloseTo((600 + 200 + 1_000) / 1e6, 12);
  expect((await lastValueFrom(scripted('ok').chat('x'))).cost).toBeUndefined();
});
