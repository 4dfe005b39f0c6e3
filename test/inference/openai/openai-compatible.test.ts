import { describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import type { Model } from '../../../src/inference/model.ts';
import { type OpenAiCompatibleOptions, openAiCompatible } from '../../../src/inference/openai/openai-compatible.ts';
import { chunkEvent, doneEvent, startOpenAiServer } from '../../helpers/openai-server.ts';
import { resultOf } from '../../helpers/result-of.ts';
import { apiKey, chunksOf, opened, served, toClose } from './served.ts';

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
        timings: { firstTokenMs: expect.any(Number) as number, totalMs: expect.any(Number) as number },
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

  it('counts a token for 4 characters where pieces are long', async () => {
    const { model } = await served({ tokens: ['x'.repeat(400)], usage: false });
    expect((await chunksOf(model)).at(-1)).toMatchObject({ usage: { outputTokens: 100 } });
  });

  it('takes a base URL with slashes at its end', async () => {
    const { server } = await served({ status: 200, body: { results: [{ index: 0, relevance_score: 1 }] } });
    const { model } = await opened({ baseUrl: `${server.url}//`, server: 'vllm' });
    await resultOf(model.rerank('q', ['a']));
    expect(server.requests.at(-1)?.path).toBe('/v1/rerank');
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
    const { promise: gate, resolve: goOn }: PromiseWithResolvers<void> = Promise.withResolvers();
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
      error: (error: unknown) => {
        seen.push(String(error));
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

  it('ends an answer in the middle when its resource is closed, and does not call it cut', async () => {
    async function* half(): AsyncGenerator<string> {
      yield chunkEvent('first');
      await new Promise(() => undefined);
    }
    const { model, close } = await served(() => ({ raw: half() }));
    const ended = new Promise((resolve) => {
      model.chat('x').subscribe({
        next: () => void close(),
        error: resolve,
        complete: () => {
          resolve('complete');
        },
      });
    });
    expect(await ended).toMatchObject({ code: 'model_unavailable' });
  });

  it('ends what runs when its resource is closed', async () => {
    const { model, server, close } = await served('hang');
    const result = chunksOf(model).catch((error: unknown) => error);
    await vi.waitFor(() => {
      expect(server.requests).toHaveLength(1);
    });
    await close();
    expect(await result).toMatchObject({ code: 'model_unavailable' });
  });
});

it.each<[Partial<OpenAiCompatibleOptions>, RegExp]>([
  [{ baseUrl: 'localhost:8080' }, /baseUrl/],
  [{ baseUrl: 'ftp://x' }, /baseUrl/],
  [{ baseUrl: 'https://user:hunter2@x/v1' }, /apiKey/],
  [{ baseUrl: 'http://localhost:8080/v1#small' }, /#.*into model/],
  [{ model: ' ' }, /model/],
  [{ apiKey: 'hunter2\n' }, /line break/],
  [{ maxAnswerBytes: 5 }, /maxAnswerBytes/],
  [{ contextTokens: 0 }, /contextTokens/],
  [{ extraBody: 'x' as never }, /extraBody/],
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
