import OpenAI, { APIUserAbortError, AuthenticationError, BadRequestError, NotFoundError, RateLimitError } from 'openai';
import { zodResponseFormat } from 'openai/helpers/zod';
import { of } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { completeModel } from '../../src/inference/complete-model.ts';
import type { ScriptedCall, ScriptedSaying } from '../../src/inference/scripted/script.ts';
import { scripted } from '../../src/inference/scripted/scripted.ts';
import { serve, serveScript, until } from './serving.ts';

const hello = [{ role: 'user' as const, content: 'Say hello' }];
const said = 'Hello to all of you, and good-bye.';

/** All that comes. */
async function all<T>(stream: AsyncIterable<T>): Promise<readonly T[]> {
  const found: T[] = [];
  for await (const one of stream) found.push(one);
  return found;
}

describe('the official client', () => {
  it('chats', async () => {
    const { client } = await serveScript(said);
    const answer = await client.chat.completions.create({ model: 'm', messages: hello });
    expect(answer).toMatchObject({
      object: 'chat.completion',
      model: 'm',
      choices: [{ index: 0, message: { role: 'assistant', content: said }, finish_reason: 'stop', logprobs: null }],
    });
    const { prompt_tokens: input, completion_tokens: output, total_tokens: total } = answer.usage ?? {};
    expect(input).toBeGreaterThan(0);
    expect([Number(output) > 3, total]).toEqual([true, Number(input) + Number(output)]);
    expect(answer.id).toMatch(/^chatcmpl-/);
  });

  it('streams, with usage where it is asked for', async () => {
    const { client } = await serveScript(said);
    const stream = await client.chat.completions.create({
      model: 'm',
      messages: hello,
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks = await all(stream);
    expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe(said);
    expect(chunks[0]?.choices[0]?.delta.role).toBe('assistant');
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe('stop');
    expect(chunks.at(-1)?.usage?.completion_tokens).toBeGreaterThan(3);
    expect(new Set(chunks.map(({ id }) => id)).size).toBe(1);
  });

  it('streams by its helper, which checks what it gets', async () => {
    const { client } = await serveScript(said);
    const runner = client.chat.completions.stream({ model: 'm', messages: hello });
    expect((await runner.finalChatCompletion()).choices[0]?.message.content).toBe(said);
  });

  it('is cut off where it asks to be', async () => {
    const { client } = await serveScript('one two three four five six');
    const { choices } = await client.chat.completions.create({ model: 'm', messages: hello, max_completion_tokens: 2 });
    expect(choices[0]?.finish_reason).toBe('length');
    const stopped = await client.chat.completions.create({ model: 'm', messages: hello, stop: ' three' });
    expect(stopped.choices[0]?.message.content).toBe('one two');
  });

  it('gets values by a schema', async () => {
    const asked: unknown[] = [];
    const { client } = await serveScript((call) => {
      asked.push(call.options.jsonSchema);
      return '{"name":"Ada","age":36}';
    });
    const Person = z.object({ name: z.string(), age: z.number() });
    const { choices } = await client.chat.completions.parse({
      ...{ model: 'm', messages: hello, response_format: zodResponseFormat(Person, 'person') },
    });
    expect(choices[0]?.message.parsed).toEqual({ name: 'Ada', age: 36 });
    expect(asked).toMatchObject([{ type: 'object', properties: { name: { type: 'string' } } }]);
  });

  it('gets the arguments of a function that it names', async () => {
    const { client } = await serveScript('{"city":"Bern"}');
    const tools = [
      {
        type: 'function' as const,
        function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
      },
    ];
    const forced = { model: 'm', messages: hello, tools, tool_choice: { type: 'function' as const, function: { name: 'weather' } } };
    const { choices } = await client.chat.completions.create(forced);
    expect(choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: { content: null, tool_calls: [{ type: 'function', function: { name: 'weather', arguments: '{"city":"Bern"}' } }] },
    });
    const streamed = await client.chat.completions.stream(forced).finalChatCompletion();
    expect(streamed.choices[0]?.message.tool_calls).toMatchObject([{ function: { name: 'weather', arguments: '{"city":"Bern"}' } }]);
    await expect(client.chat.completions.create({ ...forced, tool_choice: 'auto' })).rejects.toThrow(/does not choose tools by itself/);
  });

  it('gives tools to a model that chooses among them, and gets its calls whole and in pieces', async () => {
    const seen: ScriptedCall[] = [];
    const script = (call: ScriptedCall): ScriptedSaying => {
      seen.push(call);
      const last = call.turns.at(-1);
      if (last?.toolCallId !== undefined) return `It is ${last.content}.`;
      const calls = ['Bern', 'Rome'].map((city, n) => ({ id: `call_${String(n)}`, name: 'weather', arguments: JSON.stringify({ city }) }));
      return { text: 'Let me look.', toolCalls: calls };
    };
    const { client } = await serveScript(script, { capabilities: { tools: true } });
    const tools = [{ type: 'function' as const, function: { name: 'weather', description: 'tells it', parameters: { type: 'object' } } }];
    const asked = { model: 'm', messages: hello, tools, tool_choice: 'auto' as const, parallel_tool_calls: true };
    const { choices } = await client.chat.completions.create(asked);
    const expected = [
      { id: 'call_0', type: 'function', function: { name: 'weather', arguments: '{"city":"Bern"}' } },
      { id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city":"Rome"}' } },
    ];
    expect(choices[0]).toMatchObject({ finish_reason: 'tool_calls', message: { content: 'Let me look.', tool_calls: expected } });
    expect(seen[0]?.options).toMatchObject({
      tools: [{ name: 'weather', description: 'tells it' }],
      toolChoice: 'auto',
      parallelToolCalls: true,
    });
    const pieces = await all(await client.chat.completions.create({ ...asked, stream: true }));
    const parts = pieces.flatMap((one) => one.choices[0]?.delta.tool_calls ?? []);
    expect(parts.length).toBeGreaterThan(4);
    expect(parts.filter(({ id }) => id !== undefined).map(({ index, id }) => [index, id])).toEqual([
      [0, 'call_0'],
      [1, 'call_1'],
    ]);
    expect(pieces.at(-1)?.choices[0]?.finish_reason).toBe('tool_calls');
    const streamed = await client.chat.completions.stream(asked).finalChatCompletion();
    expect(streamed.choices[0]?.message.tool_calls).toMatchObject(expected);
    // what came of it goes back as such
    const messages = [
      ...hello,
      { role: 'assistant' as const, tool_calls: choices[0]?.message.tool_calls ?? [] },
      { role: 'tool' as const, tool_call_id: 'call_0', content: '7 degrees' },
    ];
    const after = await client.chat.completions.create({ ...asked, messages });
    expect(after.choices[0]).toMatchObject({ finish_reason: 'stop', message: { content: 'It is 7 degrees.' } });
    expect(seen.at(-1)?.turns[1]?.toolCalls?.map(({ id }) => id)).toEqual(['call_0', 'call_1']);
  });

  it('is told the calls of tools as text where the model knows texts alone', async () => {
    const turns: unknown[] = [];
    const { client } = await serveScript((call) => {
      turns.push(...call.turns);
      return 'fine';
    });
    const call = { id: 'c', type: 'function' as const, function: { name: 'weather', arguments: '{}' } };
    await client.chat.completions.create({
      model: 'm',
      messages: [...hello, { role: 'assistant', content: 'Wait', tool_calls: [call] }, { role: 'tool', tool_call_id: 'c', content: '7' }],
    });
    expect(turns).toEqual([
      hello[0],
      { role: 'assistant', content: 'Wait\n{"name":"weather","arguments":"{}"}' },
      { role: 'user', content: '7' },
    ]);
  });

  it('gets vectors, which it asks for in base64 and as numbers', async () => {
    const { client } = await serveScript('');
    const [packed, plain] = await Promise.all([
      client.embeddings.create({ model: 'm', input: ['a cat', 'a dog'] }),
      client.embeddings.create({ model: 'm', input: ['a cat', 'a dog'], encoding_format: 'float' }),
    ]);
    expect(packed.data.map(({ index }) => index)).toEqual([0, 1]);
    expect(packed.data[0]?.embedding.length).toBe(64);
    expect(Math.hypot(...(plain.data[1]?.embedding ?? []))).toBeCloseTo(1, 5);
    expect(packed.data.map(({ embedding }) => [...embedding])).toEqual(plain.data.map(({ embedding }) => embedding));
    expect(packed.usage.prompt_tokens).toBeGreaterThan(1);
  });

  it('continues a text', async () => {
    const m = scripted(' and there was light');
    const usage = { inputTokens: 2, cachedTokens: 0, outputTokens: 2, totalTokens: 4 };
    const backend = {
      ...{ name: 'm', capabilities: { ...m.capabilities, completion: true }, countTokens: () => of(2) },
      chat: () => of({ text: '', index: 0, usage, finishReason: 'stop' as const }),
      complete: (text: string) =>
        of(
          { text: String(text.length), index: 0 },
          { text: ' light', index: 1 },
          { text: '', index: 2, usage, finishReason: 'length' as const },
        ),
    };
    const value = completeModel(backend);
    const service = await serve({ models: { m: { name: 'm', open: () => Promise.resolve({ value, close: () => Promise.resolve() }) } } });
    const client = new OpenAI({ baseURL: `${service.url}/v1`, apiKey: 'none', maxRetries: 0 });
    const { choices } = await client.completions.create({ model: 'm', prompt: 'In the beginning' });
    expect(choices[0]).toMatchObject({ text: '16 light', finish_reason: 'length' });
    const chunks = await all(await client.completions.create({ model: 'm', prompt: 'In', stream: true }));
    expect(chunks.map((one) => one.choices[0]?.text).join('')).toBe('2 light');
  });

  it('lists the models', async () => {
    const { client, service } = await serveScript('');
    expect(await (await fetch(`${service.url}/v1/models/`)).json()).toMatchObject({ object: 'list' });
    expect((await client.models.list()).data).toMatchObject([{ id: 'm', object: 'model', owned_by: 'millrace' }]);
    expect((await client.models.retrieve('m')).id).toBe('m');
  });

  it.each([
    ['a model that is not there', { model: 'other', messages: hello }, NotFoundError, /there is no model "other"/],
    ['no messages', { model: 'm', messages: [] }, BadRequestError, /messages/],
    ['a temperature out of range', { model: 'm', messages: hello, temperature: 9 }, BadRequestError, /temperature/],
    ['several answers', { model: 'm', messages: hello, n: 2 }, BadRequestError, /n must be 1/],
    ['a blank prompt', { model: 'm', messages: [{ role: 'user' as const, content: ' ' }] }, BadRequestError, /blank/],
    [
      'a picture',
      { model: 'm', messages: [{ role: 'user' as const, content: [{ type: 'image_url' as const, image_url: { url: 'x' } }] }] },
      BadRequestError,
      /must be a part of type text, got image_url/,
    ],
    ['more than the context', { model: 'm', messages: hello, max_tokens: 4_000 }, BadRequestError, /context|tokens/],
  ])('hears of %s', async (_name, body, kind, says) => {
    const { client } = await serveScript('x', { capabilities: { contextTokens: 1_000 } });
    const failure = client.chat.completions.create(body);
    await expect(failure).rejects.toThrow(kind);
    await expect(failure).rejects.toThrow(says);
    const streamed = client.chat.completions.create({ ...body, stream: true });
    await expect(streamed).rejects.toThrow(kind);
  });

  it('hears of a failure in the midst of a stream', async () => {
    const { client } = await serveScript(() => ({ text: 'one two three', fault: { kind: 'cut', afterTokens: 2 } }));
    const stream = await client.chat.completions.create({ model: 'm', messages: hello, stream: true });
    const texts: string[] = [];
    const read = async (): Promise<void> => {
      for await (const { choices } of stream) texts.push(choices[0]?.delta.content ?? '');
    };
    await expect(read()).rejects.toThrow(/ended|cut|without/);
    expect(texts.join('')).toBe('one two');
  });

  it('is told when to come again', async () => {
    const { client } = await serveScript(() => ({ fault: { kind: 'overload', retryAfterMs: 2_500 } }));
    const failure: unknown = await client.chat.completions.create({ model: 'm', messages: hello }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(RateLimitError);
    expect(failure).toMatchObject({ status: 429, code: 'rate_limit_exceeded', type: 'rate_limit_error' });
    expect((failure as RateLimitError).headers.get('retry-after')).toBe('3');
  });

  it('frees the model when it leaves', async () => {
    const { client, model } = await serveScript('a b c d e f g h', { tokenMs: 10_000 });
    const leaving = new AbortController();
    const waiting = client.chat.completions.create({ model: 'm', messages: hello }, { signal: leaving.signal });
    const streaming = await client.chat.completions.create({ model: 'm', messages: hello, stream: true });
    await until(() => model.stats.running === 2);
    leaving.abort();
    await expect(waiting).rejects.toThrow(APIUserAbortError);
    streaming.controller.abort();
    await until(() => model.stats.running === 0);
    expect(model.stats.aborted).toBe(2);
  });

  it('needs a key where there are keys', async () => {
    const keys = [{ name: 'a', key: 'a-key-of-16-letters' }];
    const { client, service } = await serveScript(said, {}, { keys });
    expect((await client.models.list()).data).toHaveLength(1);
    const other = new OpenAI({ baseURL: `${service.url}/v1`, apiKey: 'another-key-of-letters', maxRetries: 0 });
    await expect(other.models.list()).rejects.toThrow(AuthenticationError);
  });
});
