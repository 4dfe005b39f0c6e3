import { describe, expect, it } from 'vitest';
import type { SamplingOption } from '../../../src/inference/model.ts';
import { type ServerKind, serverProfiles } from '../../../src/inference/openai/server-profile.ts';
import { failureOf } from '../../helpers/failure-of.ts';
import { eachSamplingOption } from '../../helpers/inference/each-sampling-option.ts';
import type { ServerReply } from '../../helpers/openai-server.ts';
import { allOf, resultOf } from '../../helpers/result-of.ts';
import { chunksOf, served } from './served.ts';

const sse = (...events: readonly unknown[]): ServerReply => ({ raw: events.map((event) => `data: ${JSON.stringify(event)}\n\n`) });
const fields = { topP: { top_p: 0.5 }, topK: { top_k: 7 }, minP: { min_p: 0.1 }, seed: { seed: 3 }, stopTokens: { stop_token_ids: [7] } };
const tokenised: ServerReply = { status: 200, body: { count: 1, max_model_len: 2048, tokens: [7] } };
const kinds = Object.keys(serverProfiles) as readonly ServerKind[];

describe.each(kinds.filter((kind) => serverProfiles[kind].chat))('server %s', (server) => {
  it.each(Object.keys(eachSamplingOption) as SamplingOption[])('sends %s, or says that it cannot', async (option) => {
    const told = { choices: [{ delta: { content: 'x' }, finish_reason: 'stop', logprobs: { content: [{ token: 'x', logprob: -1 }] } }] };
    const { model, server: at } = await served(option === 'stopTokens' ? (nth) => (nth === 1 ? tokenised : sse(told)) : sse(told), {
      server,
    });
    const answer = allOf(model.chat('x', eachSamplingOption[option]));
    if (!model.capabilities.sampling.includes(option)) {
      expect((await failureOf(answer)).code).toBe('capability_missing');
      expect(at.requests).toHaveLength(0);
      return;
    }
    await answer;
    expect(at.requests.at(-1)?.body).toMatchObject(option === 'logProbabilities' ? { logprobs: true, top_logprobs: 2 } : fields[option]);
  });
});

it.each<[ServerKind, object]>([
  ['tgi', { type: 'json_object', value: { type: 'object' } }],
  ['vllm', { type: 'json_schema', json_schema: { name: 'answer', schema: { type: 'object' } } }],
])('asks %s for JSON in its form', async (server, expected) => {
  const { model, server: at } = await served({ tokens: ['{}'] }, { server });
  await resultOf(model.chat('x', { jsonSchema: { type: 'object' } }));
  expect(at.requests[0]?.body['response_format']).toMatchObject(expected);
});

it('limits the answer of OpenAI by the name that all of its models know', async () => {
  const { model, server } = await served({ tokens: ['x'] }, { server: 'openai' });
  await resultOf(model.chat('x', { maxTokens: 5 }));
  expect(server.requests[0]?.body).toMatchObject({ max_completion_tokens: 5 });
  expect(server.requests[0]?.body).not.toHaveProperty('max_tokens');
});

describe('log-probabilities', () => {
  const piece = (content: string, ...tokens: readonly (readonly [string, number])[]): unknown => {
    const told = tokens.map(([token, logprob]) => ({
      token,
      logprob,
      top_logprobs: [
        { token: 'z', logprob: -9 },
        { token, logprob },
      ],
    }));
    return { choices: [{ delta: { content }, logprobs: told.length === 0 ? null : { content: told } }] };
  };
  const end = { choices: [{ delta: {}, finish_reason: 'stop' }] };

  it('go with the piece whose text they make, best first; half a character waits for its other half', async () => {
    const { model } = await served(sse(piece('a', ['a', -0.5]), piece('', ['\u{d83d}', -1]), piece('👩', ['\u{dc69}', -2]), end), {
      server: 'vllm',
    });
    const chunks = await allOf(model.chat('x', { logProbabilities: 1 }));
    expect(chunks.map(({ tokens }) => tokens?.map(({ logProbability }) => logProbability))).toEqual([[-0.5], [-1, -2], undefined]);
    expect(chunks[0]?.tokens).toEqual([{ token: 'a', logProbability: -0.5, top: [{ token: 'a', logProbability: -0.5 }] }]);
  });

  it('asks for one alternative where none is wanted, and tells none', async () => {
    const { model, server } = await served(sse(piece('a', ['a', -0.5]), end), { server: 'llama-server' });
    const [chunk] = await allOf(model.chat('x', { logProbabilities: 0 }));
    expect(server.requests[0]?.body).toMatchObject({ logprobs: true, top_logprobs: 1 });
    expect(chunk?.tokens).toEqual([{ token: 'a', logProbability: -0.5, top: [] }]);
  });

  it('that do not come although the server should tell them are an error, not silence', async () => {
    const { model } = await served(sse(piece('a'), end), { server: 'ollama' });
    expect((await failureOf(allOf(model.chat('x', { logProbabilities: 1 })))).code).toBe('capability_missing');
  });
});

describe('complete', () => {
  const older = { tokens: [' b'], token_logprobs: [-0.25], top_logprobs: [{ ' b': -0.25, ' c': -3 }] };
  const newer = { content: [{ token: ' b', logprob: -0.25, top_logprobs: [{ token: ' b', logprob: -0.25 }] }] };

  it.each([
    ['vllm', older],
    ['llama-server', newer],
  ] as const)('continues text on %s, with log-probabilities', async (server, logprobs) => {
    const { model, server: at } = await served(
      sse(
        { model: 'm-1', choices: [{ index: 0, text: ' b', logprobs, finish_reason: null }] },
        { choices: [{ index: 0, text: '', finish_reason: 'length' }], usage: { prompt_tokens: 1, completion_tokens: 1 } },
      ),
      { server },
    );
    const chunks = await allOf(model.complete('a', { logProbabilities: 1, maxTokens: 1 }));
    expect(chunks[0]).toMatchObject({ text: ' b', tokens: [{ token: ' b', logProbability: -0.25, top: [{ token: ' b' }] }] });
    expect(chunks.at(-1)).toMatchObject({ finishReason: 'length', usage: { totalTokens: 2 }, model: 'm-1' });
    expect(at.requests[0]).toMatchObject({ path: '/v1/completions', body: { prompt: 'a', max_tokens: 1, logprobs: 1, stream: true } });
  });

  it.each<[ServerKind, object | undefined]>([
    ['vllm', { response_format: { type: 'json_schema' } }],
    ['llama-server', { json_schema: { type: 'object' } }],
    ['ollama', undefined],
  ])('hands %s a schema in its field, or refuses', async (server, expected) => {
    const { model, server: at } = await served(sse({ choices: [{ text: '{}', finish_reason: 'stop' }] }), { server });
    const call = allOf(model.complete('a', { jsonSchema: { type: 'object' } }));
    if (expected === undefined) expect((await failureOf(call)).code).toBe('capability_missing');
    else {
      await call;
      expect(at.requests[0]?.body).toMatchObject(expected);
    }
  });

  it('is not to be had of a server that chats alone', async () => {
    const { model } = await served({ tokens: ['x'] }, { server: 'openai' });
    expect((await failureOf(allOf(model.complete('a')))).code).toBe('capability_missing');
  });
});

describe('rerank', () => {
  const results = [
    { index: 1, relevance_score: 0.9 },
    { index: 0, relevance_score: -2 },
  ];
  it.each<[ServerKind, unknown, string, string]>([
    ['vllm', { results, usage: { total_tokens: 12 } }, '/v1/rerank', 'documents'],
    ['llama-server', { results, usage: { prompt_tokens: 12, total_tokens: 12 } }, '/v1/rerank', 'documents'],
    ['sglang', results.map(({ index, relevance_score: score }) => ({ index, score, document: '' })), '/v1/rerank', 'documents'],
    ['tei', results.map(({ index, relevance_score: score }) => ({ index, score })), '/rerank', 'texts'],
  ])('reads the ranks of %s', async (server, body, path, field) => {
    const { model, server: at } = await served({ status: 200, body }, { server });
    const { ranking, usage } = await resultOf(model.rerank('q', ['abc', 'def']));
    expect(ranking).toEqual([
      { index: 1, score: 0.9 },
      { index: 0, score: -2 },
    ]);
    expect(usage.totalTokens).toBe(Array.isArray(body) ? 4 : 12);
    expect(at.requests[0]).toMatchObject({ path, body: { model: 'small', query: 'q', [field]: ['abc', 'def'] } });
  });

  it.each([[{ results: results.slice(1) }], [{ results: [...results, ...results] }], [[]], ['<html>'], [{ results: [{ index: 7 }, {}] }]])(
    'refuses %j',
    async (body) => {
      const { model } = await served({ status: 200, body }, { server: 'vllm' });
      expect((await failureOf(resultOf(model.rerank('q', ['a', 'b'])))).code).toBe('model_failed');
    },
  );
});

it('tei embeds and ranks, and says that it does not chat', async () => {
  const { model, server } = await served({ tokens: ['x'] }, { server: 'tei' });
  expect((await failureOf(chunksOf(model))).code).toBe('capability_missing');
  expect(server.requests).toHaveLength(0);
});

describe('usage', () => {
  const usage = { prompt_tokens: 10, completion_tokens: 1 };
  it.each([
    [{ usage: { ...usage, prompt_tokens_details: { cached_tokens: 4 } } }, 4],
    [{ usage: { ...usage, prompt_tokens_details: null, prompt_cache_hit_tokens: 4 } }, 4],
    [{ usage: { ...usage, cached_tokens: 4 } }, 4],
    [{ usage, timings: { cache_n: 4, prompt_n: 6 } }, 4],
    [{ usage: { ...usage, cached_tokens: 400 } }, 10],
    [{ usage }, 0],
  ])('reads cached tokens of %j', async (more, cachedTokens) => {
    const { model } = await served(sse({ choices: [{ delta: { content: 'x' }, finish_reason: 'stop' }], ...more }));
    expect((await chunksOf(model)).at(-1)?.usage).toMatchObject({ inputTokens: 10, cachedTokens });
  });

  it('tells the cost where it has prices', async () => {
    const prices = { inputPerMillion: 2, outputPerMillion: 10, cachedPerMillion: 1 };
    const { model } = await served({ tokens: ['o', 'k'] }, { prices });
    expect((await chunksOf(model)).at(-1)?.cost).toBeCloseTo((5 * 2 + 2 * 1 + 2 * 10) / 1e6, 12); // 7 tokens of prompt, 2 of them cached
  });
});

it('makes its requests by the fetch it is given', async () => {
  const seen: unknown[] = [];
  const { model } = await served(
    { tokens: ['x'] },
    {
      fetch: (input, init) => {
        seen.push(input);
        return fetch(input, init);
      },
    },
  );
  await chunksOf(model);
  expect(seen).toHaveLength(1);
});
