import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { OpenAiCompatibleOptions } from '../../../src/inference/openai/openai-compatible.ts';
import type { ServerKind } from '../../../src/inference/openai/server-profile.ts';
import { failureOf } from '../../helpers/failure-of.ts';
import type { ServerReply } from '../../helpers/openai-server.ts';
import { allOf, resultOf } from '../../helpers/result-of.ts';
import { chunksOf, opened, served } from './served.ts';

type Event = Readonly<Record<string, unknown>> & { readonly type: string };

/** Events as they are written: each with its name before it. */
const sse = (...events: readonly Event[]): ServerReply => ({
  raw: events.map((event, sequence_number) => `event: ${event.type}\ndata: ${JSON.stringify({ ...event, sequence_number })}\n\n`),
});
const usage = {
  input_tokens: 9,
  input_tokens_details: { cached_tokens: 4 },
  output_tokens: 5,
  output_tokens_details: { reasoning_tokens: 3 },
};
const response = (status: string, more: object = {}): object => ({ id: 'resp_1', object: 'response', status, model: 'served-1', ...more });
const created: Event = { type: 'response.created', response: response('in_progress', { output: [] }) };
const delta = (text: unknown, more: object = {}): Event => ({ type: 'response.output_text.delta', item_id: 'msg_1', delta: text, ...more });
const done = (more: object = {}): Event => ({
  type: 'response.completed',
  response: response('completed', { usage: { ...usage, total_tokens: 14 }, ...more }),
});
const cut = (reason: string): Event => ({
  type: 'response.incomplete',
  response: response('incomplete', { incomplete_details: { reason }, usage: { ...usage, total_tokens: 14 } }),
});
const failed = (code: string, message = 'no'): Event => ({
  type: 'response.failed',
  response: response('failed', { error: { code, message } }),
});

const answering = (reply: ServerReply, options: Partial<OpenAiCompatibleOptions> = {}) => served(reply, { api: 'responses', ...options });

describe('an answer', () => {
  it('is its pieces of text, then usage with what was cached and what was thought', async () => {
    const { model, server } = await answering(
      sse(
        created,
        { type: 'response.reasoning_text.delta', delta: 'hm' },
        { type: 'response.output_item.added', item: { type: 'message', content: [] } },
        delta('o'),
        delta('k'),
        { type: 'response.output_text.done', text: 'ok' },
        { type: 'response.of_the_future', delta: 'x' },
        done(),
      ),
    );
    const chunks = await allOf(
      model.chat(
        [
          { role: 'system', content: 'Be brief' },
          { role: 'user', content: 'Say ok' },
        ],
        { topP: 0.5 },
      ),
    );
    expect(chunks.map(({ text }) => text)).toEqual(['o', 'k', '']);
    expect(chunks.at(-1)).toMatchObject({
      finishReason: 'stop',
      model: 'served-1',
      usage: { inputTokens: 9, cachedTokens: 4, outputTokens: 5, totalTokens: 14 },
    });
    expect(server.requests[0]?.path).toBe('/v1/responses');
    expect(server.requests[0]?.body).toEqual({
      model: 'small',
      input: [
        { role: 'system', content: 'Be brief' },
        { role: 'user', content: 'Say ok' },
      ],
      max_output_tokens: 512,
      temperature: 0,
      top_p: 0.5,
      store: false,
      stream: true,
    });
  });

  it('is taken from the end where no pieces came', async () => {
    const output = [
      { type: 'reasoning', content: [{ type: 'reasoning_text', text: 'hm' }] },
      { type: 'message', content: [{ type: 'output_text', text: 'o' }] },
      { type: 'message', content: [{ type: 'output_text', text: 'k' }] },
    ];
    const { model } = await answering(sse(created, delta(7), delta(''), done({ output })));
    expect((await chunksOf(model)).map(({ text }) => text)).toEqual(['ok', '']);
  });

  it('is taken from the end of each part that came without pieces, once', async () => {
    const whole = (text: string): Event => ({ type: 'response.output_text.done', text });
    const { model } = await answering(sse(created, whole('o'), delta('k'), whole('k'), whole('!'), done({ output: [] })));
    expect((await chunksOf(model)).map(({ text }) => text)).toEqual(['o', 'k', '!', '']);
  });

  it('counts by estimate where no usage came, and says so', async () => {
    const { model, log } = await answering(sse(delta('ok'), done({ usage: null })));
    expect((await chunksOf(model)).at(-1)).toMatchObject({ usage: { inputTokens: 6, outputTokens: 1 } });
    expect(log).toHaveBeenCalledOnce();
  });

  it.each<[string, Event[], string]>([
    ['max_output_tokens', [delta('ha'), cut('max_output_tokens')], 'length'],
    ['a reason of the future', [delta('ha'), cut('max_seconds')], 'length'],
    ['content_filter', [delta('ha'), cut('content_filter')], 'refused'],
    ['a refusal', [{ type: 'response.refusal.delta', delta: 'I will not' }, done()], 'refused'],
    ['a refusal without pieces', [done({ output: [{ type: 'message', content: [{ type: 'refusal', refusal: 'no' }] }] })], 'refused'],
    ['no text', [done({ output: [] })], 'stop'],
    ['as many tokens as asked for', [delta('x'), done({ usage: { input_tokens: 1, output_tokens: 512, total_tokens: 513 } })], 'stop'],
  ])('that ends with %s is %3$s', async (_, events, expected) => {
    const { model } = await answering(sse(created, ...events));
    expect((await chunksOf(model)).at(-1)).toMatchObject({ finishReason: expected });
  });

  it.each(['llama-server', 'ollama'] as const)(
    'of %s, which calls all complete, is cut off when it is as long as asked for',
    async (server) => {
      const of = (output_tokens: number) =>
        sse(delta('x'), done({ usage: { input_tokens: 1, output_tokens, total_tokens: 1 + output_tokens } }));
      expect((await chunksOf((await answering(of(512), { server })).model)).at(-1)?.finishReason).toBe('length');
      expect((await chunksOf((await answering(of(511), { server })).model)).at(-1)?.finishReason).toBe('stop');
    },
  );
});

describe('failures', () => {
  it.each<[string, ServerReply, string]>([
    ['failed: server_error', sse(created, delta('ha'), failed('server_error')), 'model_failed'],
    ['failed: rate_limit_exceeded', sse(created, failed('rate_limit_exceeded')), 'overloaded'],
    ['failed: invalid_prompt', sse(created, failed('invalid_prompt')), 'model_rejected'],
    ['failed: bio_policy', sse(created, failed('bio_policy')), 'model_rejected'],
    ['failed: insufficient_quota', sse(created, failed('insufficient_quota')), 'model_unauthorized'],
    ['failed: a long prompt', sse(created, failed('context_length_exceeded')), 'prompt_too_long'],
    ['failed without a reason', sse(created, { type: 'response.failed', response: response('failed') }), 'model_failed'],
    ['cancelled', sse(created, { type: 'response.cancelled', response: response('cancelled') }), 'model_failed'],
    ['an error event', sse(created, { type: 'error', code: 'rate_limit_exceeded', message: 'slow down', param: null }), 'overloaded'],
    ['an error event without a name', { raw: [`data: {"type":"error","code":"server_error","message":"no"}\n\n`] }, 'model_failed'],
    ['cut off', sse(created, delta('half')), 'model_failed'],
    ['chunks of a chat', { tokens: ['ok'] }, 'model_failed'],
    ['no such path', { status: 404, body: { detail: 'Not Found' } }, 'model_not_found'],
    ['a refusal by status', { status: 400, body: { error: { message: 'filtered', code: 'content_filter' } } }, 'answer_refused'],
  ])('%s: %3$s', async (_, reply, code) => {
    const { model, server } = await answering(reply);
    expect((await failureOf(chunksOf(model))).code).toBe(code);
    expect(server.requests).toHaveLength(1);
  });

  it('says what has become of a cancelled one', async () => {
    const { model } = await answering(sse(created, { type: 'response.cancelled', response: response('cancelled') }));
    expect((await failureOf(chunksOf(model))).message).toMatch(/cancelled/);
  });

  it('is told of stop strings before anything is sent', async () => {
    const { model, server } = await answering(sse(done()));
    expect((await failureOf(allOf(model.chat('x', { stop: ['\n'] })))).code).toBe('capability_missing');
    expect((await failureOf(allOf(model.chat('x', { seed: 1 })))).code).toBe('capability_missing');
    expect(server.requests).toHaveLength(0);
  });

  it.each(['tgi', 'tei'] as const)('%s has none', async (server) => {
    await expect(opened({ baseUrl: 'http://localhost/v1', server, api: 'responses' })).rejects.toThrow(/no Responses API/);
  });
});

const told = (token: string, logprob: number, ...top: readonly (readonly [string, number])[]): object => ({
  token,
  logprob,
  top_logprobs: top.map(([name, value]) => ({ token: name, logprob: value })),
});

describe('what else is asked for', () => {
  it.each([
    [z.object({ a: z.string() }), true],
    [z.object({ a: z.string().optional() }), false],
  ])('a schema, strict where it can be', async (schema, strict) => {
    const { model, server } = await answering(sse(delta('{"a":"x"}'), done()));
    expect((await resultOf(model.answer('x', { schema }))).value).toEqual({ a: 'x' });
    expect(server.requests[0]?.body).toMatchObject({
      text: { format: { type: 'json_schema', name: 'answer', strict, schema: { type: 'object' } } },
    });
  });

  it('a schema in words, and checked, of llama-server, which ignores one in silence', async () => {
    const { model, server } = await answering(sse(delta('{"a":"x"}'), done()), { server: 'llama-server' });
    const schema = z.object({ a: z.string() });
    expect((await resultOf(model.answer('x', { schema }))).value).toEqual({ a: 'x' });
    expect(server.requests[0]?.body).not.toHaveProperty('text');
    expect(JSON.stringify(server.requests[0]?.body['input'])).toContain('JSON Schema');
    const chatting = await opened({ baseUrl: server.url, server: 'llama-server' });
    const claiming = await opened({ baseUrl: server.url, server: 'llama-server', api: 'responses', jsonSchema: true });
    expect([model, chatting.model, claiming.model].map(({ capabilities }) => capabilities.jsonSchema)).toEqual([false, true, true]);
  });

  it('log-probabilities', async () => {
    const logprobs = [told('o', -0.5, ['o', -0.5], ['x', -2])];
    const { model, server } = await answering(sse(delta('o', { logprobs }), delta('k'), done()), { server: 'openai' });
    const [first] = await allOf(model.chat('x', { logProbabilities: 1 }));
    expect(first?.tokens).toEqual([{ token: 'o', logProbability: -0.5, top: [{ token: 'o', logProbability: -0.5 }] }]);
    expect(server.requests[0]?.body).toMatchObject({ include: ['message.output_text.logprobs'], top_logprobs: 1 });
  });

  it('labels, by the first token of a short answer', async () => {
    const logprobs = [told('pos', -0.2, ['pos', -0.2], ['neg', -2])];
    const { model, server } = await answering(sse(delta('pos', { logprobs }), delta('itive', { logprobs: [told('itive', 0)] }), done()), {
      server: 'vllm',
    });
    const result = await resultOf(model.classify('x', { labels: ['positive', 'negative'] }));
    expect(result).toMatchObject({ label: 'positive', usage: { inputTokens: 9 } });
    expect(result.confidence).toBeCloseTo(1 / (1 + Math.exp(-1.8)));
    expect(server.requests[0]?.body).toMatchObject({ max_output_tokens: 16, top_logprobs: 20 });
  });

  it('fields of the server, which go last', async () => {
    const { model, server } = await answering(sse(delta('x'), done()), { extraBody: { store: true, temperature: undefined } });
    await chunksOf(model);
    expect(server.requests[0]?.body).toMatchObject({ store: true });
    expect(server.requests[0]?.body).not.toHaveProperty('temperature');
  });
});

it.each<[ServerKind, unknown]>([
  ['openai', { role: 'assistant', content: 'no' }],
  ['llama-server', { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'no' }] }],
])('%s is told what the model has said before in the form that it takes', async (server, expected) => {
  const { model, server: at } = await answering(sse(created, delta('ok'), done()), { server });
  await allOf(
    model.chat([
      { role: 'user', content: 'Say ok' },
      { role: 'assistant', content: 'no' },
      { role: 'user', content: 'Do' },
    ]),
  );
  expect(at.requests[0]?.body['input']).toEqual([{ role: 'user', content: 'Say ok' }, expected, { role: 'user', content: 'Do' }]);
});
