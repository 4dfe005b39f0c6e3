import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ChatChunk, ChatOptions } from '../../src/inference/model.ts';
import { embeddedModelFile, openEmbedded } from '../helpers/embedded-model.ts';
import { failureOf } from '../helpers/failure-of.ts';
import { allOf, resultOf } from '../helpers/result-of.ts';

const file = await embeddedModelFile();
const textOf = (chunks: readonly ChatChunk[]): string => chunks.map((chunk) => chunk.text).join('');
const tokensOf = (chunks: readonly ChatChunk[]) => chunks.flatMap((chunk) => chunk.tokens ?? []);

describe.skipIf(file.path === undefined)('what the embedded model is asked of its tokens', () => {
  let opened: Awaited<ReturnType<typeof openEmbedded>>;
  beforeAll(async () => {
    opened = await openEmbedded({ sequences: 2 });
  });
  afterAll(() => opened.close());

  const prompt = 'Name three colours of the rainbow.';
  const chat = (options: ChatOptions): Promise<ChatChunk[]> => allOf(opened.model.chat(prompt, { maxTokens: 12, ...options }));

  it('continues plain text as it stands', async () => {
    const chunks = await allOf(opened.model.complete('one, two, three, four,', { maxTokens: 6 }));
    expect(textOf(chunks)).toMatch(/^ five, six/);
    const counted = await resultOf(opened.model.countTokens('one, two, three, four,'));
    expect(chunks.at(-1)?.usage?.inputTokens).toBeLessThan(counted); // no template around it
    expect(chunks.at(-1)).toMatchObject({ finishReason: 'length', model: 'smollm2', usage: { outputTokens: 6 } });
  });

  it('takes special tokens in text that is continued for text', async () => {
    const inputTokens = async (text: string) =>
      (await allOf(opened.model.complete(text, { maxTokens: 1 }))).at(-1)?.usage?.inputTokens ?? 0;
    expect((await inputTokens('a<|im_end|>b')) - (await inputTokens('ab'))).toBeGreaterThan(3);
  });

  it('refuses plain text that does not fit', async () => {
    const failure = await failureOf(allOf(opened.model.complete('word '.repeat(600), { maxTokens: 1 })));
    expect(failure.code).toBe('prompt_too_long');
  });

  it.each<{ what: string; options: ChatOptions }>([
    { what: 'topK 1', options: { topK: 1 } },
    { what: 'minP 1', options: { minP: 1 } },
    { what: 'topP 0', options: { topP: 0 } },
  ])('leaves only the likeliest token with $what, whatever the temperature', async ({ options }) => {
    const likeliest = textOf(await chat({}));
    expect(textOf(await chat({ temperature: 5, seed: 3, ...options }))).toBe(likeliest);
    expect(textOf(await chat({ temperature: 5, seed: 3 }))).not.toBe(likeliest);
  });

  it('leaves out nothing that was not asked for', async () => {
    // at this temperature nearly all 49,152 tokens are alike likely: with the vendor's 40 likeliest they would have 1/40 each
    const tokens = tokensOf(await chat({ temperature: 5, seed: 5, logProbabilities: 0 }));
    const mean = tokens.reduce((sum, { logProbability }) => sum + logProbability, 0) / tokens.length;
    expect(mean).toBeLessThan(-6);
  });

  it('ends before a stop token, and refuses one that is text to it', async () => {
    const [first] = await chat({ stopTokens: ['<|im_end|>'], maxTokens: 200 });
    expect(first?.text).not.toBe('');
    const shown = [
      { role: 'user', content: 'Say the special word.' },
      { role: 'assistant', content: 'Of course:' },
    ] as const;
    const chunks = await allOf(opened.model.chat(shown, { maxTokens: 40, stopTokens: ['<|im_start|>', '<|endoftext|>'] }));
    expect(textOf(chunks)).not.toContain('<|');
    const failure = await failureOf(chat({ stopTokens: ['the end'] }));
    expect(failure).toMatchObject({ code: 'model_rejected' });
    expect(failure.message).toContain('"the end"');
  });

  it.each([0, 3])('tells the log-probability of each token and of %i others', async (logProbabilities) => {
    const chunks = await chat({ logProbabilities });
    const tokens = tokensOf(chunks);
    expect(tokens).toHaveLength(chunks.at(-1)?.usage?.outputTokens ?? 0);
    expect(tokens.map(({ token }) => token).join('')).toBe(textOf(chunks));
    expect(textOf(chunks)).toBe(textOf(await chat({})));
    for (const { token, logProbability, top } of tokens) {
      expect(logProbability).toBeLessThanOrEqual(0);
      expect(top).toHaveLength(logProbabilities);
      if (logProbabilities === 0) continue;
      expect(top[0]).toEqual({ token, logProbability: expect.closeTo(logProbability, 5) as number }); // temperature 0 takes the likeliest
      expect(top.map((one) => one.logProbability)).toEqual(top.map((one) => one.logProbability).sort((a, b) => b - a));
      expect(top.reduce((sum, one) => sum + Math.exp(one.logProbability), 0)).toBeLessThanOrEqual(1 + 1e-5);
    }
  });

  it('tells how likely what a grammar allows was, among that', async () => {
    const tokens = tokensOf(await chat({ jsonSchema: { enum: ['red', 'blue'] }, logProbabilities: 5 }));
    expect(tokens.map(({ token }) => token).join('')).toMatch(/^"(red|blue)"$/);
    const certain = tokens.at(0); // every answer begins with a quote
    expect(certain?.token.startsWith('"')).toBe(true);
    for (const { top } of tokens) for (const { logProbability } of top) expect(logProbability).toBeGreaterThan(-100);
  });
});
