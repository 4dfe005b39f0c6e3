import { type } from 'arktype';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type CallScope, currentScope, inScope } from '../../../src/call.ts';
import { completeModel } from '../../../src/inference/complete-model.ts';
import { noTries } from '../../../src/record/tries.ts';
import { failureOf } from '../../helpers/failure-of.ts';
import { allOf, resultOf } from '../../helpers/result-of.ts';
import { fakeBackend, type Said, usageOf } from '../fake-backend.ts';

const Sentiment = z.object({ sentiment: z.enum(['positive', 'negative']), note: z.string().max(10).optional() });
const good = '{"sentiment":"positive"}';

const ask = (says: readonly Said[], options: { repairs?: number; maxTokens?: number } = {}, jsonSchema = true) => {
  const backend = fakeBackend(says, { jsonSchema });
  return { backend, result: resultOf(completeModel(backend).answer('Judge: fine', { schema: Sentiment, ...options })) };
};

describe('answer', () => {
  it.each([
    ['zod', Sentiment],
    ['arktype', type({ sentiment: "'positive' | 'negative'" })],
    ['valibot', v.object({ sentiment: v.picklist(['positive', 'negative']) })],
    ['an asynchronous validator', z.object({ sentiment: z.string().refine(async (value) => Promise.resolve(value === 'positive')) })],
  ])('emits one value that fits: %s', async (_, schema) => {
    const answers = await allOf(completeModel(fakeBackend([good])).answer('Judge: fine', { schema }));
    expect(answers).toEqual([{ value: { sentiment: 'positive' }, usage: usageOf(10, 3), model: 'fake-1', repairs: 0 }]);
  });

  it('emits what the schema makes of the answer', async () => {
    const schema = z.object({ sentiment: z.string().transform((text) => text.length) });
    expect((await resultOf(completeModel(fakeBackend([good])).answer('x', { schema }))).value).toEqual({ sentiment: 8 });
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
    await resultOf(completeModel(given).answer('x', { schema, jsonSchema: { type: 'object', title: 'mine' } }));
    expect(given.asked[0]?.options.jsonSchema).toEqual({ type: 'object', title: 'mine' });
    const bare = fakeBackend([good]);
    await resultOf(completeModel(bare).answer('x', { schema }));
    expect(bare.asked[0]?.turns[0]?.content).toMatch(/one JSON value/);
  });

  it('asks again with the bad answer and the validator’s words, and counts every call', async () => {
    const tries = { ...noTries(), count: 1 };
    const backend = fakeBackend(['{"sentiment":"so-so"}', 'no JSON', good]);
    const model = completeModel(backend);
    const scope: CallScope = { ...currentScope(), tries };
    const answer = await inScope(scope, async () => resultOf(model.answer('Judge: fine', { schema: Sentiment, repairs: 2 })));
    expect(answer).toMatchObject({ value: { sentiment: 'positive' }, repairs: 2, usage: usageOf(30, 9) });
    expect(tries).toMatchObject({ count: 1, repairs: 2 });
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
    await resultOf(completeModel(backend).answer('x', { schema, repairs: 1 }));
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
    const error = await failureOf(resultOf(completeModel(fakeBackend(['"x"'])).answer('x', { schema })));
    expect(error).toMatchObject({ code: 'answer_invalid' });
    expect(error.message).toMatch(/threw TypeError/);
    expect(error.message).not.toContain('SECRET');
  });
});
