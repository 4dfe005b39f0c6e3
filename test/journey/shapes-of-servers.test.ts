import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { OpenAiCompatibleOptions } from '../../src/inference/openai/openai-compatible.ts';
import { failureOf } from '../helpers/failure-of.ts';
import type { ServerReply } from '../helpers/openai-server.ts';
import { allOf } from '../helpers/result-of.ts';
import { apiKey, served } from '../inference/openai/served.ts';

/** What servers send, byte by byte; the first line of each file says where its form is from, and whether it was recorded. */
const folder = join(import.meta.dirname, 'shapes');

interface Shape {
  readonly source: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

function shapeOf(name: string): Shape {
  const [head = '', ...rest] = readFileSync(join(folder, `${name}.http`), 'utf8').split('\n\n');
  const [source = '', status = '', ...lines] = head.split('\n');
  const headers = lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]);
  return {
    source,
    status: Number(status.split(' ')[1]),
    headers: Object.fromEntries(headers) as Record<string, string>,
    body: rest.join('\n\n'),
  };
}

/** A body in packets of so many bytes. */
function* packets(body: string, bytes: number): Generator<Uint8Array> {
  const all = Buffer.from(body);
  for (let at = 0; at < all.length; at += bytes) yield all.subarray(at, at + bytes);
}

const replyOf = ({ status, headers, body }: Shape, bytes: number): ServerReply =>
  status === 200 ? { raw: packets(body, bytes) } : { status, headers, body };

const usage = { inputTokens: 11, cachedTokens: 4, outputTokens: 7, totalTokens: 18 };
const uncached = { ...usage, cachedTokens: 0 };
const told = [{ token: 'ok', logProbability: -0.25, top: [{ token: 'ok', logProbability: -0.25 }] }];
const greeting = ['I', "'m", ' glad', ' to', ' help', '.', ' What', ' can', ' I', ' do', ' for', ' you', '?'];
const greeted = { inputTokens: 32, cachedTokens: 31, outputTokens: 14, totalTokens: 46 };
type End = Readonly<Record<string, unknown>>;

const answers: [string, Partial<OpenAiCompatibleOptions>, readonly string[], End][] = [
  ['openai-chat', { server: 'openai' }, ['Grün', '.'], { finishReason: 'stop', usage, model: 'gpt-4o-mini-2024-07-18' }],
  ['openai-tools', { server: 'openai' }, ['ok'], { finishReason: 'stop', usage }],
  ['openai-refusal', { server: 'openai' }, ['I cannot'], { finishReason: 'refused', usage }],
  [
    'openai-responses',
    { server: 'openai', api: 'responses' },
    ['Grün', '.'],
    { finishReason: 'stop', usage, model: 'gpt-4o-mini-2024-07-18' },
  ],
  ['openai-responses-cut', { server: 'openai', api: 'responses' }, ['Grün'], { finishReason: 'length', usage }],
  ['azure-chat', { server: 'openai' }, ['ok'], { finishReason: 'stop', usage, model: 'gpt-4o-mini-2024-07-18' }],
  ['azure-filtered', { server: 'openai' }, ['a'], { finishReason: 'refused' }],
  ['vllm-chat', { server: 'vllm' }, ['Grün', '.'], { finishReason: 'stop', usage, model: 'Qwen/Qwen3-0.6B' }],
  ['vllm-continuous-usage', { server: 'vllm' }, ['ok'], { finishReason: 'length', usage: uncached }],
  ['llama-server-chat', { server: 'llama-server' }, ['Grün', '.'], { finishReason: 'stop', usage }],
  [
    'llama-server-responses',
    { server: 'llama-server', api: 'responses' },
    ['Grün', '.'],
    { finishReason: 'length', usage: { inputTokens: 11, outputTokens: 512 } },
  ],
  [
    'llama-server-recorded-chat',
    { server: 'llama-server' },
    ['I', "'m", ' glad', ' to', ' help', '.'],
    {
      finishReason: 'length',
      usage: { inputTokens: 32, cachedTokens: 24, outputTokens: 6, totalTokens: 38 },
      model: 'SmolLM2-135M-Instruct.Q4_1.gguf',
    },
  ],
  [
    'llama-server-recorded-schema',
    { server: 'llama-server' },
    ['{', '\n ', ' "', 'o', 'k', '":', ' ', 'true', '\n', '}'],
    { finishReason: 'length', usage: { inputTokens: 32, cachedTokens: 31, outputTokens: 20, totalTokens: 52 } },
  ],
  [
    'llama-server-recorded-responses-whole',
    { server: 'llama-server', api: 'responses' },
    greeting,
    { finishReason: 'stop', usage: greeted },
  ],
  [
    'llama-server-recorded-responses-schema',
    { server: 'llama-server', api: 'responses' },
    greeting,
    { finishReason: 'stop', usage: greeted },
  ],
  ['sglang-chat', { server: 'sglang' }, ['Grün.'], { finishReason: 'stop', usage }],
  ['ollama-chat', { server: 'ollama' }, ['Grün', '.'], { finishReason: 'stop', usage: { inputTokens: 6, outputTokens: 2 } }],
  ['ollama-usage', { server: 'ollama' }, ['Grün.'], { finishReason: 'length', usage: uncached }],
  ['tgi-chat', { server: 'tgi' }, ['Grün', '.'], { finishReason: 'stop', usage: uncached }],
  ['deepseek-chat', {}, ['Grün.'], { finishReason: 'stop', usage }],
  ['xai-usage', {}, ['Grün.'], { finishReason: 'stop', usage }],
];

const failures: [string, Partial<OpenAiCompatibleOptions>, End][] = [
  ['openai-quota', { server: 'openai' }, { code: 'model_unauthorized' }],
  ['openai-rate', { server: 'openai' }, { code: 'overloaded', retryAfterMs: 1250 }],
  ['openai-key', { server: 'openai' }, { code: 'model_unauthorized' }],
  ['openai-context', { server: 'openai' }, { code: 'prompt_too_long' }],
  ['openai-responses-failed', { server: 'openai', api: 'responses' }, { code: 'overloaded' }],
  ['azure-refused', { server: 'openai' }, { code: 'answer_refused' }],
  ['vllm-abort', { server: 'vllm' }, { code: 'model_failed' }],
  ['vllm-error-in-stream', { server: 'vllm' }, { code: 'model_failed' }],
  ['vllm-context', { server: 'vllm' }, { code: 'prompt_too_long' }],
  ['vllm-context-bare', { server: 'vllm' }, { code: 'prompt_too_long' }],
  ['vllm-no-model', { server: 'vllm' }, { code: 'model_not_found' }],
  ['llama-server-loading', { server: 'llama-server' }, { code: 'overloaded' }],
  ['llama-server-context', { server: 'llama-server' }, { code: 'prompt_too_long' }],
  ['llama-server-recorded-toolong', { server: 'llama-server' }, { code: 'prompt_too_long', status: 400 }],
  ['llama-server-recorded-badfield', { server: 'llama-server' }, { code: 'model_rejected', status: 400 }],
  ['llama-server-recorded-badjson', { server: 'llama-server' }, { code: 'model_rejected', status: 400 }],
  ['llama-server-recorded-badschema', { server: 'llama-server' }, { code: 'model_rejected', status: 400 }],
  ['llama-server-recorded-nomsg', { server: 'llama-server' }, { code: 'model_rejected', status: 400 }],
  ['llama-server-recorded-responses-assistant', { server: 'llama-server', api: 'responses' }, { code: 'model_rejected', status: 400 }],
  ['llama-server-recorded-notfound', { server: 'llama-server' }, { code: 'model_not_found', status: 404 }],
  ['sglang-full', { server: 'sglang' }, { code: 'overloaded' }],
  ['sglang-context', { server: 'sglang' }, { code: 'prompt_too_long' }],
  ['sglang-abort', { server: 'sglang' }, { code: 'model_failed' }],
  ['ollama-no-model', { server: 'ollama' }, { code: 'model_not_found' }],
  ['ollama-busy', { server: 'ollama' }, { code: 'overloaded' }],
  ['tgi-overloaded', { server: 'tgi' }, { code: 'overloaded' }],
  ['tgi-failed', { server: 'tgi' }, { code: 'model_failed' }],
  ['tgi-rejected', { server: 'tgi' }, { code: 'model_rejected' }],
  ['deepseek-out', {}, { code: 'model_failed' }],
  ['openrouter-error', {}, { code: 'model_unavailable' }],
  ['anthropic-overloaded', {}, { code: 'overloaded' }],
  ['gemini-exhausted', {}, { code: 'overloaded' }],
];

const withTokens: [string, Partial<OpenAiCompatibleOptions>][] = [
  ['openai-logprobs', { server: 'openai' }],
  ['vllm-logprobs', { server: 'vllm' }],
];

describe.each([1, 7, 1_000_000])('in packets of %i bytes', (bytes) => {
  it.each(answers)('%s is read as what it means', async (name, options, texts, end) => {
    const { model } = await served(replyOf(shapeOf(name), bytes), options);
    const chunks = await allOf(model.chat('Say ok'));
    expect(chunks.map(({ text }) => text)).toEqual([...texts, '']);
    expect(chunks.at(-1)).toMatchObject(end);
  });
});

it.each(failures)('%s: $code', async (name, options, expected) => {
  const { model, server } = await served(replyOf(shapeOf(name), 1_000_000), options);
  const failure = await failureOf(allOf(model.chat('Say ok')));
  expect(failure).toMatchObject(expected);
  expect(failure.message).not.toMatch(/sk-very|6789/);
  expect(failure.message).not.toContain(apiKey);
  expect(server.requests).toHaveLength(1);
});

it.each(withTokens)('%s tells the tokens with their log-probabilities', async (name, options) => {
  const { model } = await served(replyOf(shapeOf(name), 1_000_000), options);
  expect((await allOf(model.chat('Say ok', { logProbabilities: 1 })))[0]).toMatchObject({ text: 'ok', tokens: told });
});

it('vllm-complete continues text, with tokens of the older form', async () => {
  const { model } = await served(replyOf(shapeOf('vllm-complete'), 7), { server: 'vllm' });
  const chunks = await allOf(model.complete('One, two', { logProbabilities: 0 }));
  expect(chunks.map(({ text, tokens }) => [text, tokens?.length])).toEqual([
    [' three', 1],
    [',', 1],
    ['', undefined],
  ]);
  expect(chunks.at(-1)).toMatchObject({ finishReason: 'length', usage: uncached });
});

const llamaServer = async (shape: string, options: Partial<OpenAiCompatibleOptions> = {}) =>
  (await served(replyOf(shapeOf(`llama-server-recorded-${shape}`), 7), { server: 'llama-server', ...options })).model;

const doneOtherwise: [string, () => Promise<void>][] = [
  [
    'logprobs',
    async () => {
      const chunks = await allOf((await llamaServer('logprobs')).chat('Say ok', { logProbabilities: 2 }));
      expect(chunks.map(({ text, tokens }) => [text, tokens?.map(({ top }) => top.map(({ token }) => token))])).toEqual([
        ['I', [['I', 'Sure']]],
        ["'m", [["'m", "'d"]]],
        ['', undefined],
      ]);
      expect(chunks[0]?.tokens?.[0]?.logProbability).toBeCloseTo(-1.9124, 4);
    },
  ],
  [
    'complete',
    async () => {
      const chunks = await allOf((await llamaServer('complete')).complete('One, two,', { logProbabilities: 1, maxTokens: 4 }));
      expect(chunks.map(({ text, tokens }) => [text, tokens?.length])).toEqual([
        [' or', 1],
        [' three', 1],
        [',', 1],
        [' and', 1],
        ['', undefined],
      ]);
      expect(chunks.at(-1)).toMatchObject({ finishReason: 'length', usage: { inputTokens: 4, outputTokens: 4 } });
    },
  ],
  [
    'responses', // it calls complete what it cut off
    async () => {
      const end = (await allOf((await llamaServer('responses', { api: 'responses' })).chat('Say ok', { maxTokens: 6 }))).at(-1);
      expect(end).toMatchObject({ finishReason: 'length', usage: { inputTokens: 32, cachedTokens: 31, outputTokens: 6, totalTokens: 38 } });
    },
  ],
  [
    'embeddings',
    async () => {
      const failure = await failureOf(allOf((await llamaServer('embeddings')).embed(['a'])));
      expect(failure).toMatchObject({ code: 'capability_missing', status: 501 });
      expect(failure.message).toContain('--embeddings');
    },
  ],
  [
    'rerank',
    async () => {
      const failure = await failureOf(allOf((await llamaServer('rerank')).rerank('a', ['a', 'b'])));
      expect(failure).toMatchObject({ code: 'capability_missing', status: 501 });
    },
  ],
];

it.each(doneOtherwise)('llama-server-recorded-%s is read as what it means', async (_, check) => {
  await check();
});

it('every shape is read by some test, and says where it is from', () => {
  const names = readdirSync(folder).map((file) => file.replace(/\.http$/, ''));
  const tested = [...answers, ...failures, ...withTokens].map(([name]) => name);
  const ofLlamaServer = doneOtherwise.map(([name]) => `llama-server-recorded-${name}`);
  expect(names.toSorted()).toEqual([...tested, ...ofLlamaServer, 'vllm-complete'].toSorted());
  for (const name of names) expect(shapeOf(name).source).toMatch(/^# \w.*; (recorded|written to that form, not recorded)$/);
});
