import { describe, expect, it, vi } from 'vitest';
import { callTimeout } from '../../operators/call-timeout.ts';
import type { ChatChunk } from '../../src/inference/model.ts';
import { virtualClock } from '../../src/virtual-clock.ts';
import { failureOf } from '../helpers/failure-of.ts';
import { chunkEvent, doneEvent, reset, type ServerReply } from '../helpers/openai-server.ts';
import { allOf, resultOf } from '../helpers/result-of.ts';
import { testScope, within } from '../helpers/scope.ts';
import { chunksOf, served } from '../inference/openai/served.ts';

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
const half = bytes(chunkEvent('grün')).slice(0, Buffer.from(chunkEvent('grün')).indexOf('ü') + 1);
const stop = chunkEvent(undefined, { finish_reason: 'stop' });
const raw = (...pieces: readonly (string | Uint8Array | typeof reset)[]): ServerReply => ({ raw: pieces });
const inStream = (error: unknown): ServerReply => raw(chunkEvent('a'), `data: ${JSON.stringify(error)}\n\n`);

const delta = (given: object): string => `data: ${JSON.stringify({ choices: [{ index: 0, delta: given, finish_reason: null }] })}\n\n`;
const said = (content: unknown): string => delta({ content });
const calls = chunkEvent(undefined, { finish_reason: 'tool_calls' });
const html = (body: string): ServerReply => ({ status: 200, headers: { 'content-type': 'text/html' }, body });

/** What each server and each broken line has been seen to send, and what becomes of it. */
const faults: [string, ServerReply, string, RegExp?][] = [
  ['429', { status: 429, body: {} }, 'overloaded'],
  ['500', { status: 500, body: {} }, 'model_failed'],
  ['503', { status: 503, body: {} }, 'overloaded'],
  ['529 with an error of the kind overloaded', { status: 529, body: { error: { type: 'overloaded_error' } } }, 'overloaded'],
  [
    'vllm: a long prompt, bare',
    { status: 400, body: { object: 'error', message: "exceeds the model's maximum context length" } },
    'prompt_too_long',
  ],
  [
    'llama-server: loading',
    { status: 503, body: { error: { code: 503, message: 'Loading model', type: 'unavailable_error' } } },
    'overloaded',
  ],
  ['sglang: its queue is full', { status: 503, body: { object: 'error', message: 'The request queue is full.', code: 503 } }, 'overloaded'],
  ['sglang: its queue is full, in the stream', inStream({ error: { message: 'The request queue is full.', code: 503 } }), 'overloaded'],
  ['vllm: an error in place of a chunk', inStream({ object: 'error', message: 'engine died', code: 500 }), 'model_failed'],
  ['vllm: a bad request in place of a chunk', inStream({ object: 'error', message: 'no', code: 400 }), 'model_rejected'],
  ['ollama: server busy', { status: 503, body: { error: 'server busy, please try again.' } }, 'overloaded'],
  ['tgi: overloaded', { status: 429, body: { error: 'Model is overloaded', error_type: 'overloaded' } }, 'overloaded'],
  ['tgi: overloaded, in the stream', inStream({ error: 'Model is overloaded', error_type: 'overloaded' }), 'overloaded'],
  ['tgi: generation failed', { status: 424, body: { error: 'CUDA error', error_type: 'generation' } }, 'model_failed'],
  [
    'tgi: a long prompt',
    {
      status: 422,
      body: { error: 'Input validation error: `inputs` tokens + `max_new_tokens` must be <= 2048', error_type: 'validation' },
    },
    'prompt_too_long',
  ],
  ['tei: a long text', { status: 413, body: { error: '`inputs` must have less than 512 tokens' } }, 'prompt_too_long'],
  ['gemini: an error in a list', { status: 400, body: [{ error: { message: 'the prompt is too long' } }] }, 'prompt_too_long'],
  ['a gateway: a page', { status: 502, headers: { 'content-type': 'text/html' }, body: '<html>bad gateway' }, 'model_unavailable'],
  ['cut off in the middle', raw(chunkEvent('half')), 'model_failed'],
  ['torn down in the middle', raw(chunkEvent('half'), reset), 'model_failed'],
  ['cut off in half a character', raw(half), 'model_failed'],
  ['torn down in half a character', raw(half, reset), 'model_failed'],
  ['no JSON', raw('data: {"choices":[{"delta":\n\n'), 'model_failed'],
  ['JSON that is no chunk', raw('data: 7\n\n', 'data: "x"\n\n', doneEvent), 'model_failed'],
  ['content that is no text', raw(said(7), stop, doneEvent), 'model_failed', /as the content of an answer, got number/],
  ['content in a list of no parts', raw(said([7]), stop, doneEvent), 'model_failed', /as the content of an answer, got a list/],
  [
    'calls of a tool in place of text',
    raw(delta({ tool_calls: [{ function: { name: 'look' } }] }), calls),
    'answer_invalid',
    /the tool "look"/,
  ],
  ['the wish for a tool alone', raw(calls, doneEvent), 'answer_invalid', /the tool "\?"/],
  ['an older form of it', raw(delta({ function_call: { name: 'look' } }), stop), 'answer_invalid', /the tool "look"/],
  ['a choice that is none', raw('data: {"choices":[null]}\n\n', doneEvent), 'model_failed'],
  ['chunks with no choices', raw('data: {"choices":[]}\n\n', doneEvent), 'model_failed', /with choices/],
  ['a page in place of a stream', html('<!doctype html><html>sign in'), 'model_not_found', /got a page .*baseUrl/],
  ['a page that claims to be a stream', raw('\r\n ', '<html>'), 'model_not_found', /got a page .*baseUrl/],
  [
    'a whole answer in place of a stream',
    { status: 200, body: { choices: [{ message: { content: 'x' } }] } },
    'capability_missing',
    /ignores "stream": true/,
  ],
  ['some JSON in place of a stream', { status: 200, body: { ok: true } }, 'model_failed', /neither an answer nor an error/],
  ['lines of JSON in place of a stream', raw('{"a":1}\n{"b":2}\n'), 'model_failed', /neither an answer nor an error/],
  ['an error with status 200', { status: 200, body: { error: { message: 'engine died' } } }, 'model_failed', /engine died/],
  ['a limit with status 200', { status: 200, body: { error: { message: 'slow', type: 'rate_limit_error' } } }, 'overloaded'],
  ['a status of its own with status 200', { status: 200, body: { error: { message: 'no', code: 401 } } }, 'model_unauthorized'],
  ['a bare error with status 200', { status: 200, body: { object: 'error', message: 'no', code: 400 } }, 'model_rejected'],
  ['words with status 200', { status: 200, body: { error: 'Model is overloaded' } }, 'overloaded'],
  ['status 204', { status: 204 }, 'model_failed', /got none \(status 204/],
  ['blanks', raw('\n\n', '  '), 'model_failed', /got none \(status 200/],
  [
    'an answer that is not packed as it says',
    { status: 200, headers: { 'content-encoding': 'gzip' }, body: 'this is not packed at all' },
    'model_failed',
    /cannot be read.*Z_/,
  ],
  ['nothing', raw(), 'model_failed', /got none/],
];

it.each(faults)('%s: %3$s', async (_, reply, code, words = /\w/) => {
  const { model, server } = await served(reply);
  const failure = await failureOf(chunksOf(model));
  expect(failure.code).toBe(code);
  expect(failure.message).toMatch(words);
  expect(server.requests).toHaveLength(1);
});

it('says what a bare error says', async () => {
  const { model } = await served({ status: 400, body: { detail: [{ loc: ['body', 'seed'], msg: 'not an integer' }] } });
  expect((await failureOf(chunksOf(model))).message).toContain('not an integer');
});

it('takes bytes that are no character for the sign that stands for them', async () => {
  const { model } = await served(
    raw(bytes('data: {"choices":[{"delta":{"content":"a'), Uint8Array.of(0xc3), bytes('"}}]}\n\n'), stop, doneEvent),
  );
  expect((await chunksOf(model))[0]?.text).toBe('a\ufffd');
});

describe('answers that never end', () => {
  async function* drip(): AsyncGenerator<string> {
    for (;;) {
      yield chunkEvent('.');
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  it.each<[string, () => ServerReply]>([
    ['hang', () => 'hang'],
    ['a slow drip', () => ({ raw: drip() })],
  ])('%s: call_timeout, and the connection is closed', async (_, reply) => {
    const { model, server } = await served(reply);
    const clock = virtualClock();
    const failure = failureOf(allOf(within(testScope(clock), model.chat('x').pipe(callTimeout({ ms: 40 })))));
    await vi.waitFor(() => {
      expect(server.requests).toHaveLength(1);
    });
    await clock.advance(40);
    expect((await failure).code).toBe('call_timeout');
    expect(await server.requests[0]?.ended).toBe(false);
  });

  it('50 MB: model_rejected, long before all has come', async () => {
    let sent = 0;
    function* flood(): Generator<string> {
      const piece = chunkEvent('x'.repeat(10_000));
      for (; sent < 50_000_000; sent += piece.length) yield piece;
    }
    const { model } = await served({ raw: flood() }, { maxAnswerBytes: 1_000_000 });
    expect((await failureOf(chunksOf(model))).code).toBe('model_rejected');
    expect(sent).toBeLessThan(30_000_000);
  });
});

it('takes the texts of a list of parts, and passes thoughts over', async () => {
  const thought = said([{ type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] }]);
  const parts = said([
    { type: 'text', text: 'ye' },
    { type: 'text', text: 's' },
  ]);
  const { model } = await served(raw(thought, parts, stop, doneEvent));
  expect((await chunksOf(model)).map(({ text }) => text)).toEqual(['yes', '']);
});

describe('a stream that nobody ends', () => {
  const usage = 'data: {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":1,"total_tokens":8}}\n\n';
  const held = (...pieces: readonly string[]): ServerReply => ({
    raw: (async function* () {
      yield* pieces;
      await new Promise(() => undefined);
    })(),
  });

  it.each([
    ['usage, and no end', [chunkEvent('yes'), stop, usage], 200, 7],
    ['no usage', [chunkEvent('yes'), stop], 2_000, 6],
  ])('%s: the answer is whole after a while, and the connection is closed', async (_, pieces, endMs, inputTokens) => {
    const { model, server } = await served(held(...pieces));
    const clock = virtualClock();
    const waited = vi.spyOn(clock, 'schedule');
    let chunks: readonly ChatChunk[] | undefined;
    const reading = allOf(within(testScope(clock), model.chat('Say ok'))).then((all) => {
      chunks = all;
    });
    await vi.waitFor(() => {
      expect(waited).toHaveBeenCalledWith(endMs, expect.any(Function));
    });
    await clock.advance(endMs - 1);
    expect(chunks).toBeUndefined();
    await clock.advance(1);
    await reading;
    expect(chunks).toMatchObject([{ text: 'yes' }, { finishReason: 'stop', usage: { inputTokens } }]);
    expect(await server.requests[0]?.ended).toBe(false);
  });
});

const noVectors: [string, unknown, string][] = [
  ['a page', '<html>', 'model_not_found'],
  ['text', 'fine', 'model_failed'],
  ['null', 'null', 'model_failed'],
  ['an error', { error: { message: 'slow', type: 'rate_limit_error' } }, 'overloaded'],
  ['data that is no list', { data: 'x' }, 'model_failed'],
  ['no data', {}, 'model_failed'],
  ['an empty list', { data: [] }, 'model_failed'],
  ['a vector of text', { data: [{ index: 0, embedding: 'x' }] }, 'model_failed'],
  ['an entry that is none', { data: [null] }, 'model_failed'],
];
it.each(noVectors)('embeddings, %s with status 200: no vectors', async (_, body, code) => {
  const { model } = await served({
    status: 200,
    headers: { 'content-type': typeof body === 'string' && body !== 'null' ? 'text/html' : 'application/json' },
    body,
  });
  expect((await failureOf(resultOf(model.embed(['a'])))).code).toBe(code);
});

it.each([
  [{ choices: [] }, 'model_failed'],
  [{ error: { message: 'no', code: 503 } }, 'overloaded'],
  ['<html>', 'model_not_found'],
])('labels, %j with status 200: no labels', async (body, code) => {
  const { model } = await served(
    { status: 200, headers: typeof body === 'string' ? { 'content-type': 'text/html' } : {}, body },
    { server: 'vllm' },
  );
  expect((await failureOf(resultOf(model.classify('x', { labels: ['a', 'b'] })))).code).toBe(code);
});
