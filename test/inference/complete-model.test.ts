import { NEVER, type Observable, of, throwError } from 'rxjs';
import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { isAbortError } from '../../src/errors.ts';
import { completeModel } from '../../src/inference/complete-model.ts';
import type { ChatOptions, ClassifyOptions, Model, ModelBackend, Prompt } from '../../src/inference/model.ts';
import { failureOf } from '../helpers/failure-of.ts';
import { resultOf } from '../helpers/result-of.ts';
import { fakeBackend, usageOf } from './fake-backend.ts';

const Sentiment = z.object({ sentiment: z.string() });

describe('embed', () => {
  const embedding = (...numbers: number[]) => ({ vector: Float32Array.from(numbers), usage: usageOf(1, 0), model: 'm' });
  const withVectors = (...vectors: number[][]): ModelBackend =>
    fakeBackend([], { embeddings: true }, { embed: () => of(vectors.map((one) => embedding(...one))) });

  it('emits vectors of length 1, in order', async () => {
    const [a, b] = await resultOf(completeModel(withVectors([3, 4], [0, -2])).embed(['a', 'b']));
    expect([...(a?.vector ?? [])].map((one) => one.toFixed(2))).toEqual(['0.60', '0.80']);
    expect([...(b?.vector ?? [])]).toEqual([0, -1]);
  });

  it.each([
    [[[1, 0]]],
    [
      [
        [1, 0],
        [0, 0],
      ],
    ],
    [
      [
        [1, 0],
        [Number.NaN, 1],
      ],
    ],
    [[[1, 0], [1]]],
  ])('refuses vectors %j', async (vectors) => {
    expect((await failureOf(resultOf(completeModel(withVectors(...vectors)).embed(['a', 'b'])))).code).toBe('model_failed');
  });

  it('asks nobody for no texts, and says so when it cannot', async () => {
    const never = fakeBackend([], { embeddings: true }, { embed: () => throwError(() => new Error('asked')) });
    expect(await resultOf(completeModel(never).embed([]))).toEqual([]);
    expect((await failureOf(resultOf(completeModel(fakeBackend([])).embed(['a'])))).code).toBe('capability_missing');
  });
});

describe('every call', () => {
  const calls: [string, (model: Model) => Observable<unknown>][] = [
    ['chat', (model) => model.chat('x')],
    ['answer', (model) => model.answer('x', { schema: Sentiment })],
    ['classify', (model) => model.classify('x', { labels: ['a', 'b'] })],
  ];
  it.each(calls)('%s is cold, and stops when unsubscribed', (_, make) => {
    const backend = fakeBackend(['hang']);
    const call = make(completeModel(backend));
    expect(backend.asked).toHaveLength(0);
    const subscription = call.subscribe();
    const another = call.subscribe();
    expect(backend.running).toBe(2);
    subscription.unsubscribe();
    expect(backend.running).toBe(1);
    another.unsubscribe();
    expect(backend.running).toBe(0);
  });

  it('answer stops between its calls: a repair is not started for nobody', async () => {
    const validated = vi.fn();
    const backend = fakeBackend(['"bad"']);
    const schema = z.string().refine(async () => {
      await Promise.resolve();
      validated();
      return false;
    });
    const subscription = completeModel(backend).answer('x', { schema, repairs: 5 }).subscribe();
    subscription.unsubscribe();
    await vi.waitFor(() => {
      expect(validated).toHaveBeenCalled();
    });
    await new Promise(setImmediate);
    expect(backend.asked).toHaveLength(1);
  });

  it('stops when the signal of ctx aborts, with its reason', async () => {
    const backend = fakeBackend(['hang']);
    const controller = new AbortController();
    const given = { signal: controller.signal, attempt: 1, deadlineMs: 0, position: undefined, key: null, headers: [] };
    const ctx = { ...given, context: {}, degraded: [] };
    const result = resultOf(completeModel(backend).chat('x', {}, ctx)).catch((error: unknown) => error);
    controller.abort();
    expect(isAbortError(await result)).toBe(true);
    expect(backend.running).toBe(0);
    expect(isAbortError(await resultOf(completeModel(backend).chat('x', {}, ctx)).catch((error: unknown) => error))).toBe(true);
    expect(backend.asked).toHaveLength(1);
  });

  it('fails a chat whose back end ends without usage and finish reason', async () => {
    expect((await failureOf(resultOf(completeModel(fakeBackend([{ text: 'half' }])).chat('x')))).code).toBe('model_failed');
  });

  it('fails for a blank prompt without asking, and copies prompts', async () => {
    const backend = fakeBackend(['ok']);
    const model = completeModel(backend);
    for (const blank of ['', ' \n', [], [{ role: 'user', content: ' ' }]] satisfies Prompt[]) {
      expect((await failureOf(resultOf(model.chat(blank)))).code).toBe('model_rejected');
    }
    expect(backend.asked).toHaveLength(0);
    const turns = [{ role: 'user' as const, content: 'before' }];
    const chat = model.chat(turns);
    turns[0] = { role: 'user', content: 'after' };
    await resultOf(chat);
    expect(backend.asked[0]?.turns).toEqual([{ role: 'user', content: 'before' }]);
  });

  it('estimates prompt plus longest answer', async () => {
    const model = completeModel(fakeBackend([]));
    expect(await resultOf(model.countTokens('12345'))).toBe(5);
    expect(await resultOf(model.estimate('12345'))).toBe(517);
    expect(await resultOf(model.estimate([{ role: 'user', content: '1' }], { maxTokens: 9 }))).toBe(10);
  });
});

describe('options', () => {
  const model = completeModel(fakeBackend(['ok'], {}, { chat: () => NEVER }));
  it.each<[ChatOptions, RegExp]>([
    [{ maxTokens: 0 }, /maxTokens/],
    [{ maxTokens: 1.5 }, /maxTokens/],
    [{ temperature: -1 }, /temperature/],
    [{ temperature: Number.NaN }, /temperature/],
    [{ topP: 1.1 }, /topP/],
    [{ seed: -1 }, /seed/],
    [{ stop: [''] }, /stop\[0\]/],
    [{ stop: ['a', null as unknown as string] }, /stop\[1\]/],
    [{ stop: Array.from({ length: 17 }, () => 'x') }, /stop/],
  ])('refuses %j at the call', (options, message) => {
    expect(() => model.chat('x', options)).toThrow(message);
    expect(() => model.answer('x', { schema: Sentiment, ...options })).toThrow(message);
  });

  it.each([
    ['chat', () => model.chat('x', { maxToken: 5 } as ChatOptions), 'chat has no option maxToken; did you mean maxTokens?'],
    [
      'complete',
      () => model.complete('x', { temprature: 0 } as ChatOptions),
      'complete has no option temprature; did you mean temperature?',
    ],
    ['answer', () => model.answer('x', { schema: Sentiment, repair: 1 } as never), 'answer has no option repair; did you mean repairs?'],
    [
      'classify',
      () => model.classify('x', { labels: ['a', 'b'], calibrated: 'x' } as never),
      'classify has no option calibrated; did you mean calibrate?',
    ],
    ['estimate', () => model.estimate('x', { maxToken: 5 } as ChatOptions), 'did you mean maxTokens?'],
    ['infer', () => model.infer([{ name: 'a', shape: [1], data: ['x'], type: 'BYTES' } as never]), 'inputs[0] has no option type'],
  ])('refuses an option that %s does not have', (_, call, says) => {
    expect(call).toThrow(says);
  });

  it('estimates calls of answer by the options that they have', async () => {
    const options = { schema: Sentiment, repairs: 2, maxTokens: 3 };
    expect(await resultOf(model.estimate('12345', options))).toBe(8);
  });

  it.each([[[]], [''], [[{ role: 'user' as const, content: ' ' }]]])('refuses to calibrate with nothing: %j', (calibrate) => {
    expect(() => model.classify('x', { labels: ['a', 'b'], calibrate })).toThrow(/calibrate must be a prompt with something in it/);
  });

  it('takes a JSON Schema as data, also as zod makes it, and no schema of a library or what is no data', () => {
    expect(() => model.chat('x', { jsonSchema: z.toJSONSchema(Sentiment) })).not.toThrow();
    expect(() => model.chat('x', { jsonSchema: Sentiment as never })).toThrow(/give it to answer, as schema/);
    expect(() => model.chat('x', { jsonSchema: { type: 'string', check: () => true } })).toThrow(/a function at check/);
    const circle: Record<string, unknown> = {};
    circle['items'] = circle;
    expect(() => model.chat('x', { jsonSchema: circle })).toThrow(/jsonSchema must be JSON, but/);
  });

  it('refuses a schema that JSON does not have at the call, unless its JSON Schema is given', () => {
    const schema = z.object({ at: z.date() });
    expect(() => model.answer('x', { schema })).toThrow(/z\.iso\.datetime\(\)/);
    expect(() => model.answer('x', { schema, jsonSchema: { type: 'object' } })).not.toThrow();
  });

  it('refuses what is not a schema, a prompt, labels, or a number of repairs', () => {
    expect(() => model.answer('x', { schema: { type: 'object' } as never })).toThrow(/Standard Schema/);
    expect(() => model.answer('x', { schema: Sentiment, repairs: 11 })).toThrow(/repairs/);
    expect(() => model.chat(7 as never)).toThrow(/prompt/);
    expect(() => model.chat([{ role: 'tool', content: 'x' }] as never)).toThrow(/prompt\[0\]/);
    expect(() => model.classify('x', { labels: 'ab' } as unknown as ClassifyOptions<string>)).toThrow(/labels/);
    expect(() => model.embed('x' as never)).toThrow(/texts/);
  });
});
