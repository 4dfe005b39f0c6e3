import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { failureOf } from '../../helpers/failure-of.ts';
import type { ServerReply } from '../../helpers/openai-server.ts';
import { resultOf } from '../../helpers/result-of.ts';
import { served } from './served.ts';

describe('answer, classify, embed', () => {
  const Sentiment = z.object({ sentiment: z.enum(['positive', 'negative']) });

  it('constrains an answer by response_format, strict where the schema allows it', async () => {
    const { model, server } = await served({ tokens: ['{"sentiment":', '"positive"}'] });
    expect(await resultOf(model.answer('x', { schema: Sentiment }))).toMatchObject({
      value: { sentiment: 'positive' },
      model: 'served-1',
      usage: { totalTokens: 9 },
    });
    expect(server.requests[0]?.body).toMatchObject({
      response_format: {
        type: 'json_schema',
        json_schema: { name: 'answer', strict: true, schema: { required: ['sentiment'], additionalProperties: false } },
      },
    });
    await resultOf(model.answer('x', { schema: Sentiment.extend({ why: z.string().optional() }) }));
    expect(server.requests[1]?.body).not.toHaveProperty('response_format.json_schema.strict');
  });

  it('asks in words where the server constrains nothing', async () => {
    const { model, server } = await served({ tokens: ['{"sentiment":"positive"}'] }, { jsonSchema: false });
    await resultOf(model.answer('x', { schema: Sentiment }));
    expect(server.requests[0]?.body).not.toHaveProperty('response_format');
    expect(JSON.stringify(server.requests[0]?.body)).toContain('JSON Schema');
  });

  it.each<[ServerReply, string]>([
    [{ tokens: [] }, 'answer_empty'],
    [{ tokens: ['{"sentiment"'], finishReason: 'length' }, 'answer_truncated'],
    [{ tokens: [], finishReason: 'content_filter' }, 'answer_refused'],
    [{ tokens: ['{"sentiment":"meh"}'] }, 'answer_invalid'],
  ])('%j is %s', async (reply, code) => {
    const { model } = await served(reply);
    expect((await failureOf(resultOf(model.answer('x', { schema: Sentiment })))).code).toBe(code);
  });

  const firstTokens = (top: readonly (readonly [string, number])[] | undefined): ServerReply => ({
    status: 200,
    body: {
      id: 'c',
      object: 'chat.completion',
      created: 1,
      model: 'served-1',
      usage: { prompt_tokens: 5, completion_tokens: 1, total_tokens: 6 },
      choices: [
        {
          index: 0,
          finish_reason: 'length',
          message: { role: 'assistant', content: 'x' },
          logprobs:
            top === undefined
              ? null
              : { content: [{ token: 'x', logprob: -1, top_logprobs: top.map(([token, logprob]) => ({ token, logprob })) }] },
        },
      ],
    },
  });

  it('classifies by the first token where it is told that the server gives them', async () => {
    const { model, server } = await served(
      firstTokens([
        [' Pos', -0.2],
        ['pos', -3],
        ['neg', -2],
        ['the', -4],
      ]),
      { logProbabilities: true },
    );
    const result = await resultOf(model.classify('x', { labels: ['positive', 'negative'] }));
    expect(result).toMatchObject({ label: 'positive', usage: { inputTokens: 5, totalTokens: 6 } });
    const positive = Math.exp(-0.2) + Math.exp(-3);
    expect(result.confidence).toBeCloseTo(positive / (positive + Math.exp(-2)));
    expect(server.requests[0]?.body).toMatchObject({ max_tokens: 1, logprobs: true, top_logprobs: 20 });
  });

  it('says so when the server gives none, or no label is among them', async () => {
    const labels = ['positive', 'negative'];
    const none = await served(firstTokens(undefined), { logProbabilities: true });
    expect((await failureOf(resultOf(none.model.classify('x', { labels })))).code).toBe('capability_missing');
    const other = await served(firstTokens([['the', -1]]), { logProbabilities: true });
    expect((await failureOf(resultOf(other.model.classify('x', { labels })))).code).toBe('answer_invalid');
  });

  it('classifies by a constrained answer otherwise', async () => {
    const { model } = await served({ tokens: ['{"label":"negative"}'] });
    expect(await resultOf(model.classify('x', { labels: ['positive', 'negative'] }))).toMatchObject({
      label: 'negative',
      confidence: 1,
    });
  });

  it('embeds in the order of the texts, with length 1, and usage that adds up', async () => {
    const data = [
      { index: 1, embedding: [0, 2], object: 'embedding' },
      { index: 0, embedding: [3, 4], object: 'embedding' },
    ];
    const { model, server } = await served(
      { status: 200, body: { object: 'list', model: 'e-1', data, usage: { prompt_tokens: 5, total_tokens: 5 } } },
      { embeddingModel: 'e' },
    );
    const [a, b] = await resultOf(model.embed(['a', 'b']));
    expect([...(a?.vector ?? [])].map((one) => one.toFixed(1))).toEqual(['0.6', '0.8']);
    expect([...(b?.vector ?? [])]).toEqual([0, 1]);
    expect([a?.usage.totalTokens, b?.usage.totalTokens, a?.model]).toEqual([3, 2, 'e-1']);
    expect(server.requests[0]).toMatchObject({ path: '/v1/embeddings', body: { model: 'e', input: ['a', 'b'], encoding_format: 'float' } });
  });

  it.each([
    { indexes: [0, 0, 0], code: undefined },
    { indexes: [undefined, undefined, undefined], code: undefined },
    { indexes: [0, 2, 2], code: 'model_failed' },
  ])('embeddings numbered $indexes: $code', async ({ indexes, code }) => {
    const data = indexes.map((index, n) => ({ index, embedding: [n + 1, 0] }));
    const { model } = await served({ status: 200, body: { data } });
    const embedded = resultOf(model.embed(['a', 'b', 'c']));
    if (code === undefined) expect(await embedded).toHaveLength(3);
    else expect((await failureOf(embedded)).code).toBe(code);
  });

  it('says what it wants where a server sends base64, as the client would have it', async () => {
    const { model } = await served({ status: 200, body: { data: [{ index: 0, embedding: 'AACAPw==' }] } }, { embeddingModel: 'e' });
    const { code, message } = await failureOf(resultOf(model.embed(['a'])));
    expect([code, message]).toEqual(['model_failed', expect.stringContaining('as a list of numbers')]);
  });

  it.each([{ data: [] }, { data: [{ index: 0, embedding: [0, 0] }] }, {}])('refuses embeddings %j', async (body) => {
    const { model } = await served({ status: 200, body });
    expect((await failureOf(resultOf(model.embed(['a'])))).code).toBe('model_failed');
  });
});
