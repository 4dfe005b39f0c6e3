import type { ChatCompletionChunk } from 'openai/resources/chat/completions';
import { describe, expect, it } from 'vitest';
import { finishReasonOf, readChat, usageFrom } from '../../../src/inference/openai/read-chat.ts';
import type { ChatChunk } from '../../../src/inference/model.ts';
import { failureOf } from '../../helpers/failure-of.ts';

const estimate = () => ({ inputTokens: 1, cachedTokens: 0, outputTokens: 1, totalTokens: 2 });

async function read(chunks: readonly object[], logProbabilities?: number): Promise<ChatChunk[]> {
  async function* stream(): AsyncGenerator<ChatCompletionChunk> {
    yield* chunks as readonly ChatCompletionChunk[];
    await Promise.resolve();
  }
  const pieces: ChatChunk[] = [];
  for await (const piece of readChat(stream(), { estimate, logProbabilities })) pieces.push(piece);
  return pieces;
}

const said = (content: string, more: object = {}): object => ({
  choices: [{ index: 0, delta: { content }, finish_reason: null }],
  ...more,
});
const stop = { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] };

describe('an answer', () => {
  it('keeps usage that later chunks do not repeat', async () => {
    const usage = { prompt_tokens: 3, completion_tokens: 4 };
    expect((await read([said('x', { usage }), said('y'), stop])).at(-1)).toMatchObject({ usage: { inputTokens: 3, outputTokens: 4 } });
  });

  it('without text needs no log-probabilities; one with text does', async () => {
    expect((await read([stop], 1)).at(-1)).toMatchObject({ finishReason: 'stop' });
    expect((await failureOf(read([said('x'), stop], 1))).code).toBe('capability_missing');
  });

  it('is one of several choices, in whatever order they come', async () => {
    const piece = (index: number, content: string, finish_reason: string | null = null) => ({ index, delta: { content }, finish_reason });
    const chunks = [[piece(1, 'no'), piece(0, 'ri')], [piece(1, '', 'length')], [piece(0, 'ght')], [piece(0, '', 'stop')]];
    const pieces = await read(chunks.map((choices) => ({ choices })));
    expect(pieces.map(({ text }) => text).join('')).toBe('right');
    expect(pieces.at(-1)?.finishReason).toBe('stop');
    expect(
      (await read([{ choices: [piece(1, 'one')] }, { choices: [piece(0, 'none', 'stop')] }, { choices: [piece(1, '', 'length')] }])).at(-1),
    ).toMatchObject({
      index: 1,
      finishReason: 'length',
    });
  });

  it('that is an error by its name alone fails', async () => {
    await expect(read([{ object: 'error', message: 'no', choices: [] }, stop])).rejects.toMatchObject({ error: { message: 'no' } });
  });

  it('says of half a character what it is with its other half', async () => {
    const told = (token: string) => ({ logprobs: { content: [{ token, logprob: null, top_logprobs: [] }] } });
    const half = { choices: [{ index: 0, delta: { content: '' }, ...told('a') }] };
    const pieces = await read([half, { choices: [{ index: 0, delta: { content: 'ä' }, ...told('b') }] }, said('c'), stop], 0);
    expect(pieces.map(({ tokens }) => tokens?.map(({ token, logProbability }) => [token, logProbability]))).toEqual([
      [
        ['a', -9999],
        ['b', -9999],
      ],
      undefined,
      undefined,
    ]);
  });
});

it.each([
  [{ prompt_tokens: 3 }, undefined],
  [
    { prompt_tokens: 3, completion_tokens: 0 },
    { inputTokens: 3, cachedTokens: 0, outputTokens: 0, totalTokens: 3 },
  ],
  [
    { prompt_tokens: 3, completion_tokens: null, total_tokens: 5 },
    { inputTokens: 3, cachedTokens: 0, outputTokens: 2, totalTokens: 5 },
  ],
  [{ prompt_tokens: 5, completion_tokens: 'x' }, undefined],
  [{ prompt_tokens: -5, completion_tokens: 2 }, undefined],
  [{ prompt_tokens: 1.5, completion_tokens: 2 }, undefined],
  [{ prompt_tokens: Number.NaN, completion_tokens: 2 }, undefined],
  [
    { prompt_tokens: 3, completion_tokens: 1, cached_tokens: -2 },
    { inputTokens: 3, cachedTokens: 0, outputTokens: 1, totalTokens: 4 },
  ],
  [
    { prompt_tokens: 3, completion_tokens: 2, total_tokens: 9 },
    { inputTokens: 3, cachedTokens: 0, outputTokens: 6, totalTokens: 9 },
  ],
  [
    { prompt_tokens: 3, completion_tokens: 2, total_tokens: 1 },
    { inputTokens: 3, cachedTokens: 0, outputTokens: 2, totalTokens: 5 },
  ],
  [
    { prompt_tokens: 3, completion_tokens: 0, cached_tokens: 8 },
    { inputTokens: 3, cachedTokens: 3, outputTokens: 0, totalTokens: 3 },
  ],
  [
    { prompt_tokens: 3, completion_tokens: 0, prompt_cache_hit_tokens: 2 },
    { inputTokens: 3, cachedTokens: 2, outputTokens: 0, totalTokens: 3 },
  ],
  [{ completion_tokens: 3 }, undefined],
  [null, undefined],
])('usage %j is %j', (given, expected) => {
  expect(usageFrom(given as Parameters<typeof usageFrom>[0])).toEqual(expected);
});

it.each([
  ['stop', 'stop'],
  ['tool_calls', 'stop'],
  ['length', 'length'],
  ['max_tokens', 'length'],
  ['content_filter', 'refused'],
  ['refusal', 'refused'],
  ['abort', undefined],
  ['error', undefined],
  ['cancelled', undefined],
  ['insufficient_system_resource', undefined],
])('finish reason %s is %s', (theirs, ours) => {
  expect(finishReasonOf(theirs)).toBe(ours);
});
