import { type } from 'arktype';
import { firstValueFrom, lastValueFrom, NEVER, of, throwError, toArray } from 'rxjs';
import * as v from 'valibot';
import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { type CallScope, currentScope, inScope } from '../../src/call.ts';
import { InferenceError, isAbortError, isStreamError } from '../../src/errors.ts';
import { completeModel } from '../../src/inference/complete-model.ts';
import type { ChatOptions, ClassifyOptions, ModelBackend, Prompt } from '../../src/inference/model.ts';
import { fakeBackend, type Said, usageOf } from './fake-backend.ts';

const Sentiment = z.object({ sentiment: z.enum(['positive', 'negative']), note: z.string().max(10).optional() });
const good = '{"sentiment":"positive"}';

const failureOf = async (result: Promise<unknown>): Promise<InferenceError> => {
  const error: unknown = await result.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isStreamError(error)) throw new Error('expected one of our errors', { cause: error });
  return error;
};

const ask = (says: readonly Said[], options: { repairs?: number; maxTokens?: number } = {}, jsonSchema = true) => {
  const backend = fakeBackend(says, { jsonSchema });
  return { backend, result: lastValueFrom(completeModel(backend).answer('Judge: fine', { schema: Sentiment, ...options })) };
};

describe('answer', () => {
  it.each([
    ['zod', Sentiment],
    ['arktype', type({ sentiment: "'positive' | 'negative'" })],
    ['valibot', v.object({ sentiment: v.picklist(['positive', 'negative']) })],
    ['an asynchronous validator', z.object({ sentiment: z.string().refine(async (value) => Promise.resolve(value === 'positive')) })],
  ])('emits one value that fits: %s', async (_, schema) => {
    const answers = await lastValueFrom(
      completeModel(fakeBackend([good]))
        .answer('Judge: fine', { schema })
        .pipe(toArray()),
    );
    expect(answers).toEqual([{ value: { sentiment: 'positive' }, usage: usageOf(10, 3), model: 'fake-1', repairs: 0 }]);
  });

  it('emits what the schema makes of the answer', async () => {
    const schema = z.object({ sentiment: z.string().transform((text) => text.length) });
    expect((await lastValueFrom(completeModel(fakeBackend([good])).answer('x', { schema }))).value).toEqual({ sentiment: 8 });
  });

  it('hands the schema down where the back end constrains, and leaves the prompt alone', async () => {
    const { backend, result } = ask([good]);
    await result;
    expect(backend.asked[0]?.turns).toEqual([{ role: 'user', content: 'Judge: fine' }]);
    expect(backend.asked[0]?.options.jsonSchema).toEqual({
      type: 'object',
      properties: { sentiment: { type: 'string', enum: ['positive', 'negative'] }, note: { type: 'string', maxLength: 10 } },
      required: ['sentiment'],
      additionalProperties: false,
    });
  });

  it('puts the schema into the prompt where it does not', async () => {
    const { backend, result } = ask(['```json\n{"sentiment":"positive"}\n```'], {}, false);
    await result;
    expect(backend.asked[0]?.options).toEqual({ maxTokens: 512, temperature: 0 });
    expect(backend.asked[0]?.turns[0]?.content).toContain('"enum":["positive","negative"]');
  });

  it('takes jsonSchema where the schema gives none, and asks for JSON where there is neither', async () => {
    const schema = v.object({ sentiment: v.string() });
    const given = fakeBackend([good]);
    await lastValueFrom(completeModel(given).answer('x', { schema, jsonSchema: { type: 'object', title: 'mine' } }));
    expect(given.asked[0]?.options.jsonSchema).toEqual({ type: 'object', title: 'mine' });
    const bare = fakeBackend([good]);
    await lastValueFrom(completeModel(bare).answer('x', { schema }));
    expect(bare.asked[0]?.turns[0]?.content).toMatch(/one JSON value/);
  });

  it('asks again with the bad answer and the validator’s words, and counts every call', async () => {
    const tries = { count: 1 };
    const backend = fakeBackend(['{"sentiment":"so-so"}', 'no JSON', good]);
    const model = completeModel(backend);
    const scope: CallScope = { ...currentScope(), tries };
    const answer = await inScope(scope, async () => lastValueFrom(model.answer('Judge: fine', { schema: Sentiment, repairs: 2 })));
    expect(answer).toMatchObject({ value: { sentiment: 'positive' }, repairs: 2, usage: usageOf(30, 9) });
    expect(tries.count).toBe(3);
    const [first, second, third] = backend.asked.map(({ turns }) => turns);
    expect(first).toHaveLength(1);
    expect(second?.slice(1)).toMatchObject([{ role: 'assistant', content: '{"sentiment":"so-so"}' }, { role: 'user' }]);
    expect(second?.at(-1)?.content).toMatch(/\$\.sentiment: .*positive/);
    expect(third).toHaveLength(3); // only the last bad answer is shown
    expect(third?.at(-1)?.content).toMatch(/not JSON/);
  });

  it('shows a bounded part of a bad answer and of the validator’s words', async () => {
    const schema = z.array(z.number());
    const backend = fakeBackend([JSON.stringify(Array.from({ length: 20_000 }, () => 'x')), '[1]']);
    await lastValueFrom(completeModel(backend).answer('x', { schema, repairs: 1 }));
    const shown = backend.asked[1]?.turns.reduce((sum, { content }) => sum + content.length, 0);
    expect(shown).toBeLessThan(6_500);
  });

  const failures: [string, Said, string, number][] = [
    ['text', 'Sure! SECRET it is', 'answer_invalid', 3],
    ['a value that does not fit', '{"sentiment":"SECRET"}', 'answer_invalid', 3],
    ['an answer that was cut, though it parses', { text: good, finish: 'length' }, 'answer_truncated', 3],
    ['a refusal is not asked again', { text: 'I cannot. SECRET', finish: 'refused' }, 'answer_refused', 1],
    ['nothing is not asked again', '  ', 'answer_empty', 1],
    ['a stream that is cut', { text: good }, 'model_failed', 1],
    ['depth', `${'['.repeat(50_000)}${']'.repeat(50_000)}`, 'answer_invalid', 3],
  ];
  it.each(failures)('fails for %s', async (_, said, code, calls) => {
    const { backend, result } = ask([said], { repairs: 2 });
    const error = await failureOf(result);
    expect(error.code).toBe(code);
    expect(error.message).not.toContain('SECRET');
    expect(backend.asked).toHaveLength(calls);
  });

  it('takes a validator that throws for an answer that does not fit', async () => {
    const schema = z.string().refine(() => {
      throw new TypeError('SECRET');
    });
    const error = await failureOf(lastValueFrom(completeModel(fakeBackend(['"x"'])).answer('x', { schema })));
    expect(error).toMatchObject({ code: 'answer_invalid' });
    expect(error.message).toMatch(/threw TypeError/);
    expect(error.message).not.toContain('SECRET');
  });
});

describe('classify', () => {
  const labels = ['positive', 'negative', 'mixed'] as const;
  const seen = (logProbabilities: readonly number[]) =>
    fakeBackend([], { logProbabilities: true }, { labelLogProbabilities: () => of({ logProbabilities, usage: usageOf(7, 0) }) });

  it('gives each label its share of the probability', async () => {
    const result = await lastValueFrom(completeModel(seen([-801, -800, Number.NEGATIVE_INFINITY])).classify('x', { labels }));
    expect(result).toMatchObject({ label: 'negative', usage: usageOf(7, 0), model: 'fake' });
    expect(result.confidence).toBeCloseTo(1 / (1 + Math.exp(-1)));
    expect(Object.values(result.probabilities ?? {}).reduce((a, b) => a + b, 0)).toBeCloseTo(1);
    expect(result.probabilities?.mixed).toBe(0);
  });

  it.each([[[-1, -2]], [[Number.NaN, -1, -2]], [Array.from({ length: 3 }, () => Number.NEGATIVE_INFINITY)]])(
    'refuses log-probabilities %j',
    async (given) => {
      const error = await failureOf(lastValueFrom(completeModel(seen(given)).classify('x', { labels })));
      expect(error.code).toBe('model_failed');
    },
  );

  it.each([
    ['{"label":"mixed"}', 'mixed'],
    ['```json\n{ "label" : "Mixed" }```', 'mixed'],
    ['Negative.', 'negative'],
    [{ text: '{"label":"mixed"', finish: 'length' as const }, 'mixed'],
  ])('takes a constrained answer where there are no log-probabilities: %j', async (said, label) => {
    const backend = fakeBackend([said]);
    const result = await lastValueFrom(completeModel(backend).classify('x', { labels }));
    expect(result).toMatchObject({ label, confidence: 1, probabilities: undefined, usage: usageOf(10, 3), model: 'fake-1' });
    expect(backend.asked[0]?.options.jsonSchema).toMatchObject({ properties: { label: { enum: labels } } });
    expect(backend.asked[0]?.turns[0]?.content).toContain('"positive", "negative", "mixed"');
  });

  it.each<[Said, string]>([
    ['{"label":"SECRET"}', 'answer_invalid'],
    ['', 'answer_empty'],
    [{ text: 'positive', finish: 'length' }, 'answer_truncated'],
    [{ text: 'no', finish: 'refused' }, 'answer_refused'],
  ])('fails for %j', async (said, code) => {
    const error = await failureOf(lastValueFrom(completeModel(fakeBackend([said])).classify('x', { labels })));
    expect(error.code).toBe(code);
    expect(error.message).not.toContain('SECRET');
  });

  it('treats a label like __proto__ as any other', async () => {
    const result = await lastValueFrom(completeModel(seen([-1, -2])).classify('x', { labels: ['__proto__', 'b'] }));
    expect(Object.keys(result.probabilities ?? {})).toEqual(['__proto__', 'b']);
  });

  it.each<[readonly string[]]>([
    [[]],
    [['a']],
    [['a', 'a']],
    [['a', ' a']],
    [['a', ' ']],
    [Array.from({ length: 257 }, (_, n) => String(n))],
  ])('refuses labels %j', (given) => {
    expect(() => completeModel(seen([])).classify('x', { labels: given })).toThrow(/labels/);
  });
});

describe('embed', () => {
  const embedding = (...numbers: number[]) => ({ vector: Float32Array.from(numbers), usage: usageOf(1, 0), model: 'm' });
  const withVectors = (...vectors: number[][]): ModelBackend =>
    fakeBackend([], { embeddings: true }, { embed: () => of(vectors.map((one) => embedding(...one))) });

  it('emits vectors of length 1, in order', async () => {
    const [a, b] = await lastValueFrom(completeModel(withVectors([3, 4], [0, -2])).embed(['a', 'b']));
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
    expect((await failureOf(lastValueFrom(completeModel(withVectors(...vectors)).embed(['a', 'b'])))).code).toBe('model_failed');
  });

  it('asks nobody for no texts, and says so when it cannot', async () => {
    const never = fakeBackend([], { embeddings: true }, { embed: () => throwError(() => new Error('asked')) });
    expect(await lastValueFrom(completeModel(never).embed([]))).toEqual([]);
    expect((await failureOf(lastValueFrom(completeModel(fakeBackend([])).embed(['a'])))).code).toBe('capability_missing');
  });
});

describe('every call', () => {
  const calls: [string, (model: ReturnType<typeof completeModel>) => import('rxjs').Observable<unknown>][] = [
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
    const ctx = { signal: controller.signal, attempt: 1, deadlineMs: 0, position: undefined, key: null, headers: [] };
    const result = firstValueFrom(completeModel(backend).chat('x', {}, ctx)).catch((error: unknown) => error);
    controller.abort();
    expect(isAbortError(await result)).toBe(true);
    expect(backend.running).toBe(0);
    expect(isAbortError(await firstValueFrom(completeModel(backend).chat('x', {}, ctx)).catch((error: unknown) => error))).toBe(true);
    expect(backend.asked).toHaveLength(1);
  });

  it('fails a chat whose back end ends without usage and finish reason', async () => {
    expect((await failureOf(lastValueFrom(completeModel(fakeBackend([{ text: 'half' }])).chat('x')))).code).toBe('model_failed');
  });

  it('fails for a blank prompt without asking, and copies prompts', async () => {
    const backend = fakeBackend(['ok']);
    const model = completeModel(backend);
    for (const blank of ['', ' \n', [], [{ role: 'user', content: ' ' }]] satisfies Prompt[]) {
      expect((await failureOf(lastValueFrom(model.chat(blank)))).code).toBe('model_rejected');
    }
    expect(backend.asked).toHaveLength(0);
    const turns = [{ role: 'user' as const, content: 'before' }];
    const chat = model.chat(turns);
    turns[0] = { role: 'user', content: 'after' };
    await lastValueFrom(chat);
    expect(backend.asked[0]?.turns).toEqual([{ role: 'user', content: 'before' }]);
  });

  it('estimates prompt plus longest answer', async () => {
    const model = completeModel(fakeBackend([]));
    expect(await lastValueFrom(model.countTokens('12345'))).toBe(5);
    expect(await lastValueFrom(model.estimate('12345'))).toBe(517);
    expect(await lastValueFrom(model.estimate([{ role: 'user', content: '1' }], { maxTokens: 9 }))).toBe(10);
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
    [{ stop: Array.from({ length: 17 }, () => 'x') }, /stop/],
  ])('refuses %j at the call', (options, message) => {
    expect(() => model.chat('x', options)).toThrow(message);
    expect(() => model.answer('x', { schema: Sentiment, ...options })).toThrow(message);
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
