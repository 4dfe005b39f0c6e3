import { inspect } from 'node:util';

import { afterEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { systemClock } from '../../../src/clock.ts';
import type { ChatChunk, Model } from '../../../src/inference/model.ts';
import { openAiCompatible, type OpenAiCompatibleOptions } from '../../../src/inference/openai/openai-compatible.ts';
import { failureOf } from '../../helpers/failure-of.ts';
import { chunkEvent, doneEvent, type ServerReply, startOpenAiServer } from '../../helpers/openai-server.ts';
import { allOf, resultOf } from '../../helpers/result-of.ts';

const apiKey = 'sk-very-secret-0123456789';
const toClose: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of toClose.splice(0).toReversed()) await close();
});

const opened = async (options: Partial<OpenAiCompatibleOptions> & { baseUrl: string }) => {
  const log = vi.fn();
  const resource = openAiCompatible({ model: 'small', apiKey, ...options });
  const { value, close } = await resource.open({ clock: systemClock, signal: new AbortController().signal, log });
  toClose.push(close);
  return { model: value, log, close };
};

/** A server with one reply for all, and a model on it. */
const served = async (reply: ServerReply | ((nth: number) => ServerReply), options: Partial<OpenAiCompatibleOptions> = {}) => {
  const server = await startOpenAiServer({ reply: (_, nth) => (typeof reply === 'function' ? reply(nth) : reply) });
  toClose.push(() => server.close());
  return { server, ...(await opened({ ...options, baseUrl: server.url })) };
};

const chunksOf = (model: Model): Promise<ChatChunk[]> => allOf(model.chat('Say ok'));
const textOf = async (model: Model): Promise<string> => (await chunksOf(model)).map(({ text }) => text).join('');

describe('chat', () => {
  it('streams tokens, the last piece with usage, finish reason and model', async () => {
    const { model, server } = await served({ tokens: ['o', 'k'] });
    expect(await chunksOf(model)).toEqual([
      { text: 'o', index: 0 },
      { text: 'k', index: 1 },
      {
        text: '',
        index: 2,
        usage: { inputTokens: 7, cachedTokens: 2, outputTokens: 2, totalTokens: 9 },
        finishReason: 'stop',
        model: 'served-1',
      },
    ]);
    expect(server.requests[0]).toMatchObject({
      path: '/v1/chat/completions',
      headers: { authorization: `Bearer ${apiKey}` },
      body: {
        model: 'small',
        messages: [{ role: 'user', content: 'Say ok' }],
        max_tokens: 512,
        temperature: 0,
        stream: true,
        stream_options: { include_usage: true },
      },
    });
  });

  it('sends what it is told, and no key where it has none', async () => {
    vi.stubEnv('OPENAI_API_KEY', 'sk-of-another-server');
    vi.stubEnv('OPENAI_ORG_ID', 'org');
    const server = await startOpenAiServer();
    toClose.push(() => server.close());
    const resource = openAiCompatible({
      baseUrl: server.url,
      model: 'm',
      maxTokensField: 'max_completion_tokens',
      extraBody: { temperature: undefined, reasoning_effort: 'low' },
    });
    const { value, close } = await resource.open({ clock: systemClock, signal: new AbortController().signal, log: () => undefined });
    toClose.push(close);
    await resultOf(value.chat('x', { maxTokens: 5, topP: 0.5, seed: 3, stop: ['\n'] }));
    vi.unstubAllEnvs();
    const [request] = server.requests;
    expect(request?.body).toMatchObject({ max_completion_tokens: 5, top_p: 0.5, seed: 3, stop: ['\n'], reasoning_effort: 'low' });
    expect(request?.body).not.toHaveProperty('temperature');
    expect(request?.body).not.toHaveProperty('max_tokens');
    expect(request?.headers.authorization).toBeUndefined();
    expect(JSON.stringify(request?.headers)).not.toMatch(/sk-of-another-server|"org"/);
  });

  it.each([
    ['stop', 'stop'],
    ['length', 'length'],
    ['content_filter', 'refused'],
    ['eos_token', 'stop'],
  ])('reads finish reason %s as %s', async (theirs, ours) => {
    const { model } = await served({ tokens: ['x'], finishReason: theirs });
    expect((await chunksOf(model)).at(-1)).toMatchObject({ finishReason: ours });
  });

  it('counts by estimate where the server sends no usage, and says so once', async () => {
    const { model, log } = await served({ tokens: ['one', ' two'], usage: false });
    expect((await chunksOf(model)).at(-1)).toMatchObject({ usage: { inputTokens: 6, outputTokens: 2, totalTokens: 8 } });
    await chunksOf(model);
    expect(log).toHaveBeenCalledTimes(1);
    expect(log.mock.calls[0]).toMatchObject(['warn', expect.stringMatching(/no usage/), {}]);
  });

  it('takes a stream without [DONE], with usage in every chunk, and with a comment between', async () => {
    const usage = (completion_tokens: number): object => ({ usage: { prompt_tokens: 3, completion_tokens } });
    const { model } = await served({
      raw: [
        ': keep-alive\n\n',
        chunkEvent('a', usage(1)),
        chunkEvent('b', usage(2)),
        chunkEvent(undefined, { finish_reason: 'stop', ...usage(2) }),
      ],
    });
    expect((await chunksOf(model)).at(-1)).toMatchObject({ index: 2, usage: { inputTokens: 3, outputTokens: 2, totalTokens: 5 } });
  });

  it('puts characters together that are cut between two packets', async () => {
    async function* pieces(): AsyncGenerator<Uint8Array | string> {
      for (const byte of Buffer.from(chunkEvent('grün 👩‍🚀'))) {
        yield Uint8Array.of(byte);
        await new Promise(setImmediate); // a packet of its own
      }
      yield chunkEvent(undefined, { finish_reason: 'stop' });
      yield doneEvent;
    }
    const { model } = await served(() => ({ raw: pieces() }));
    expect(await textOf(model)).toBe('grün 👩‍🚀');
  });

  it('hands tokens on as they come, and closes the connection when left in the middle', async () => {
    let goOn = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    async function* drip(): AsyncGenerator<string> {
      yield chunkEvent('first');
      await gate;
      yield chunkEvent('second');
    }
    const { model, server } = await served(() => ({ raw: drip() }));
    const seen: string[] = [];
    const subscription = model.chat('x').subscribe({
      next: ({ text }) => {
        seen.push(text);
      },
    });
    await vi.waitFor(() => {
      expect(seen).toEqual(['first']);
    });
    subscription.unsubscribe();
    expect(await server.requests[0]?.ended).toBe(false);
    goOn();
    expect(seen).toEqual(['first']);
    expect(server.running).toBe(0);
  });

  it('is cold; left before the first byte, it closes the connection', async () => {
    const { model, server } = await served('hang');
    const call = model.chat('x');
    await new Promise(setImmediate);
    expect(server.requests).toHaveLength(0);
    const error = vi.fn();
    const subscription = call.subscribe({ error });
    await vi.waitFor(() => {
      expect(server.requests).toHaveLength(1);
    });
    subscription.unsubscribe();
    expect(await server.requests[0]?.ended).toBe(false);
    expect(error).not.toHaveBeenCalled();
  });

  it('ends what runs when its resource is closed', async () => {
    const { model, server, close } = await served('hang');
    const result = chunksOf(model).catch((error: unknown) => error);
    await vi.waitFor(() => {
      expect(server.requests).toHaveLength(1);
    });
    await close();
    expect(await result).toMatchObject({ name: 'AbortError' });
  });
});

describe('failures', () => {
  const streams: [string, Iterable<string>, string][] = [
    ['a stream that ends without a finish reason', [chunkEvent('half')], 'model_failed'],
    ['one that says [DONE] without', [chunkEvent('half'), doneEvent], 'model_failed'],
    ['nothing at all', [], 'model_failed'],
    ['a connection that is torn down', [chunkEvent('half'), 'reset'], 'model_failed'],
    ['a chunk that is not JSON', [chunkEvent('a'), 'data: {"choices":[{"delta":SECRET\n\n'], 'model_failed'],
    ['an error in the stream', [chunkEvent('a'), 'data: {"error":{"message":"out of memory","type":"server_error"}}\n\n'], 'model_failed'],
    ['an overload in the stream', ['data: {"error":{"message":"slow","type":"rate_limit_error"}}\n\n'], 'overloaded'],
    [
      'a context that overflows in the stream',
      ['data: {"error":{"message":"x","type":"exceed_context_size_error"}}\n\n'],
      'prompt_too_long',
    ],
  ];
  it.each(streams)('%s', async (_, raw, code) => {
    const { model, server } = await served({ raw });
    const error = await failureOf(chunksOf(model));
    expect(error.code).toBe(code);
    expect(inspect(error)).not.toContain('SECRET');
    expect(server.requests).toHaveLength(1);
  });

  const statuses: [number, object, string][] = [
    [400, { message: 'bad field' }, 'model_rejected'],
    [400, { message: "This model's maximum context length is 4096 tokens", code: 'context_length_exceeded' }, 'prompt_too_long'],
    [400, { message: 'the request exceeds the available context size', type: 'exceed_context_size_error' }, 'prompt_too_long'],
    [401, { message: `Incorrect API key provided: ${apiKey}. Bearer ${apiKey}` }, 'model_unauthorized'],
    [402, {}, 'model_unauthorized'],
    [403, {}, 'model_unauthorized'],
    [404, { message: 'no such model' }, 'model_not_found'],
    [408, {}, 'model_failed'],
    [409, {}, 'model_failed'],
    [413, {}, 'prompt_too_long'],
    [422, {}, 'model_rejected'],
    [429, {}, 'overloaded'],
    [429, { code: 'insufficient_quota', message: 'pay' }, 'model_unauthorized'],
    [500, {}, 'model_failed'],
    [502, {}, 'model_unavailable'],
    [503, {}, 'overloaded'],
    [504, {}, 'model_unavailable'],
    [529, {}, 'overloaded'],
  ];
  it.each(statuses)('status %i %j is %3$s, after one request', async (status, error, code) => {
    const { model, server } = await served({ status, body: { error } });
    const failure = await failureOf(chunksOf(model));
    expect(failure).toMatchObject({ code, status });
    expect(failure.message).toContain(`status ${String(status)}`);
    expect(server.requests).toHaveLength(1); // the client's own retries are off
  });

  it.each([
    [{ 'retry-after': '2' }, 2_000],
    [{ 'retry-after': '0.5' }, 500],
    [{ 'retry-after': '9', 'retry-after-ms': '125' }, 125],
    [{ 'retry-after': 'Wed, 21 Oct 2026 07:28:30 GMT', date: 'Wed, 21 Oct 2026 07:28:00 GMT' }, 30_000],
    [{ 'retry-after': 'Wed, 21 Oct 2015 07:28:00 GMT' }, 0],
    [{ 'retry-after': '99999999999' }, 86_400_000],
    [{ 'retry-after': 'soon' }, undefined],
    [{ 'retry-after': '-5', 'retry-after-ms': 'x' }, undefined],
    [{}, undefined],
  ])('reads %j as %s ms', async (headers, expected) => {
    const { model } = await served({ status: 429, headers: headers as Record<string, string>, body: {} });
    const failure = await failureOf(chunksOf(model));
    expect(failure).toMatchObject({ code: 'overloaded', grade: 'overload', retryAfterMs: expected });
  });

  it('keeps an error page short', async () => {
    const { model } = await served({ status: 500, headers: { 'content-type': 'text/html' }, body: `<html>${'x'.repeat(100_000)}` });
    expect((await failureOf(chunksOf(model))).message.length).toBeLessThan(500);
  });

  it('stops at the longest answer, whether it comes in lines or in none', async () => {
    let sent = 0;
    function* flood(piece: string): Generator<string> {
      for (; sent < 50_000_000; sent += piece.length) yield piece;
    }
    for (const piece of [chunkEvent('x'.repeat(1_000)), 'x'.repeat(1_000)]) {
      sent = 0;
      const { model } = await served(() => ({ raw: flood(piece) }), { maxAnswerBytes: 100_000 });
      const failure = await failureOf(chunksOf(model));
      expect(failure.code).toBe('model_rejected');
      expect(failure.message).toMatch(/100000 bytes.*maxAnswerBytes/);
      expect(sent).toBeLessThan(20_000_000);
    }
  });

  it('says what cannot be reached, and what to do', async () => {
    const server = await startOpenAiServer();
    await server.close();
    const { model } = await opened({ baseUrl: `${server.url}?api-key=SECRET` });
    const failure = await failureOf(chunksOf(model));
    expect(failure).toMatchObject({ code: 'model_unavailable', grade: 'transient' });
    expect(failure.message).toContain(`cannot reach ${server.url} (ECONNREFUSED); is the server running`);
    expect(inspect(failure, { depth: 10 })).not.toMatch(/SECRET|sk-very/);
  });

  it('never shows the key: not in errors, not in logs, not on the console', async () => {
    vi.stubEnv('OPENAI_LOG', 'debug');
    const console_ = (['log', 'info', 'warn', 'error', 'debug'] as const).map((level) =>
      vi.spyOn(console, level).mockImplementation(() => undefined),
    );
    const shown: string[] = [];
    for (const reply of [
      { status: 401, body: { error: { message: `bad key ${apiKey} sk-ve***6789` } } },
      { status: 500, body: apiKey },
      { raw: ['reset'] },
      { tokens: ['x'], usage: false },
    ] satisfies ServerReply[]) {
      const { model, log } = await served(reply);
      const error: unknown = await chunksOf(model).catch((reason: unknown) => reason);
      shown.push(
        inspect(error, { depth: 10, showHidden: true }),
        JSON.stringify(error),
        inspect(log.mock.calls),
        inspect(model, { depth: 10 }),
      );
    }
    shown.push(
      inspect(openAiCompatible({ baseUrl: 'http://x/v1', model: 'm', apiKey }), { depth: 10 }),
      inspect(console_.map((spy) => spy.mock.calls)),
    );
    for (const spy of console_) expect(spy).not.toHaveBeenCalled();
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
    for (const text of shown) expect(text).not.toMatch(/very-secret|6789/);
  });
});

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

  it.each([{ data: [] }, { data: [{ index: 0, embedding: [0, 0] }] }, {}])('refuses embeddings %j', async (body) => {
    const { model } = await served({ status: 200, body });
    expect((await failureOf(resultOf(model.embed(['a'])))).code).toBe('model_failed');
  });
});

it.each<[Partial<OpenAiCompatibleOptions>, RegExp]>([
  [{ baseUrl: 'localhost:8080' }, /baseUrl/],
  [{ baseUrl: 'ftp://x' }, /baseUrl/],
  [{ baseUrl: 'https://user:hunter2@x/v1' }, /apiKey/],
  [{ model: ' ' }, /model/],
  [{ apiKey: 'hunter2\n' }, /line break/],
  [{ maxAnswerBytes: 5 }, /maxAnswerBytes/],
  [{ contextTokens: 0 }, /contextTokens/],
])('openAiCompatible refuses %j', (options, message) => {
  const make = (): unknown => openAiCompatible({ baseUrl: 'http://localhost/v1', model: 'm', ...options });
  expect(make).toThrow(message);
  expect(make).not.toThrow(/hunter2/);
});

it('opens without a server', async () => {
  const { model } = await opened({ baseUrl: 'http://127.0.0.1:1/v1' });
  expect(model.capabilities.exactTokens).toBe(false);
  expect(await resultOf(model.countTokens('12345678'))).toBe(6);
});
