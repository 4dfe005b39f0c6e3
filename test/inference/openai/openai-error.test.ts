import { inspect } from 'node:util';
import { describe, expect, it, vi } from 'vitest';
import { openAiCompatible } from '../../../src/inference/openai/openai-compatible.ts';
import { failureOf } from '../../helpers/failure-of.ts';
import { chunkEvent, doneEvent, reset, type ServerReply, startOpenAiServer } from '../../helpers/openai-server.ts';
import { apiKey, chunksOf, opened, served } from './served.ts';

describe('failures', () => {
  it.each([
    [507, 'resource_exhausted'],
    [402, 'model_unauthorized'],
    [408, 'model_failed'],
    [504, 'model_unavailable'],
    [418, 'model_rejected'],
  ])('status %i: %s, with 200 characters of what the server says', async (status, code) => {
    const { model } = await served({ status, body: { error: { message: `begins ${'x'.repeat(500)} ends` } } });
    const error = await failureOf(chunksOf(model));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(/begins x{193}…$/);
  });

  const streams: [string, Iterable<string | typeof reset>, string][] = [
    ['a stream that ends without a finish reason', [chunkEvent('half')], 'model_failed'],
    ['one that says [DONE] without', [chunkEvent('half'), doneEvent], 'model_failed'],
    ['nothing at all', [], 'model_failed'],
    ['a connection that is torn down', [chunkEvent('half'), reset], 'model_failed'],
    ['a chunk that is not JSON', [chunkEvent('a'), 'data: {"choices":[{"delta":SECRET\n\n'], 'model_failed'],
    ['an error in the stream', [chunkEvent('a'), 'data: {"error":{"message":"out of memory","type":"server_error"}}\n\n'], 'model_failed'],
    ['an overload in the stream', ['data: {"error":{"message":"slow","type":"rate_limit_error"}}\n\n'], 'overloaded'],
    [
      'a context that overflows in the stream',
      ['data: {"error":{"message":"x","type":"exceed_context_size_error"}}\n\n'],
      'prompt_too_long',
    ],
    [
      'what it cannot do, told in the stream',
      ['data: {"error":{"code":501,"message":"x","type":"not_supported_error"}}\n\n'],
      'capability_missing',
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
    [501, {}, 'capability_missing'],
    [400, { message: 'not here', type: 'not_supported_error' }, 'capability_missing'],
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
    const { model } = await served({ status: 429, headers, body: {} });
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

  it('blots out a key of any form where the server repeats it', async () => {
    const { model } = await served(
      { status: 401, body: { error: { message: 'no access for plain-key-12345 here' } } },
      { apiKey: 'plain-key-12345' },
    );
    expect((await failureOf(chunksOf(model))).message).toMatch(/no access for \[key\] here/);
  });

  it.each([
    ['in base64', Buffer.from('plain-key-12345').toString('base64')],
    ['as the password of a Basic header', Buffer.from('joe:plain-key-12345').toString('base64')],
    ['escaped', encodeURIComponent('plain-key-12345/+')],
    ['of somebody else', `Basic ${Buffer.from('joe:hunter2').toString('base64')}`],
  ])('blots out a key %s', async (_, form) => {
    const options = { apiKey: form.includes('%') ? 'plain-key-12345/+' : 'plain-key-12345' };
    const { model } = await served({ status: 400, body: { error: { message: `no use for ${form} here` } } }, options);
    const { message } = await failureOf(chunksOf(model));
    expect(message).not.toContain(form);
    expect(message).toMatch(/no use for .* here/);
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
      { raw: [reset] },
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
