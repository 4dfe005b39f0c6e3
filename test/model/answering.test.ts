import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { definePrompt } from '../../src/inference/define-prompt.ts';
import type { Model } from '../../src/inference/model.ts';
import { answering, type AnsweringOptions } from '../../src/inference/route/answering.ts';
import { embeddedModelFile, openEmbedded, quietContext } from '../helpers/embedded-model.ts';
import { resultOf } from '../helpers/result-of.ts';

const file = await embeddedModelFile();
const contextTokens = 256;
const schema = z.object({ mood: z.enum(['good', 'bad']) });
const judge = definePrompt<string>({ name: 'judge', version: '1', user: ['Is this review good or bad?', (text) => text], slots: 'bare' });
const long = Array.from({ length: 60 }, (_, at) => `On day ${String(at)} the radio sounded as good as new, größer 很好 🙂.`).join(' ');

describe.skipIf(file.path === undefined)('answering with the embedded model', { timeout: 120_000 }, () => {
  let opened: Awaited<ReturnType<typeof openEmbedded>>;
  beforeAll(async () => {
    opened = await openEmbedded({ contextTokens, sequences: 1 });
  }, 60_000);
  afterAll(() => opened.close());

  const mended = async (ways: Omit<AnsweringOptions, 'model'>): Promise<Model> => {
    const model = { name: 'embedded', open: () => Promise.resolve({ value: opened.model, close: () => Promise.resolve() }) };
    return (await answering({ model, ...ways }).open(quietContext())).value;
  };

  it('fails without it where a prompt does not fit', async () => {
    await expect(resultOf(opened.model.answer(judge(long), { schema }))).rejects.toMatchObject({ code: 'prompt_too_long' });
  });

  it.each(['head', 'tail'] as const)('cuts the %s to what the context has room for, by its own count', async (side) => {
    const model = await mended({ whenTooLong: { truncate: side } });
    const { value, degraded, usage } = await resultOf(model.answer(judge(long), { schema, maxTokens: 20 }));
    expect([schema.safeParse(value).success, degraded]).toEqual([true, [`truncated-${side}`]]);
    expect(usage.inputTokens).toBeGreaterThan((contextTokens - 20) * 0.8);
    expect(usage.inputTokens).toBeLessThanOrEqual(contextTokens);
  });

  it('summarises by itself what does not fit', async () => {
    const model = await mended({ whenTooLong: { summarise: { tokens: 24 } } });
    const { value, degraded, usage } = await resultOf(model.answer(judge(long.slice(0, 800)), { schema, maxTokens: 20 }));
    expect([schema.safeParse(value).success, degraded]).toEqual([true, ['summarised']]);
    expect(usage.inputTokens, 'the summaries count').toBeGreaterThan(contextTokens);
  });

  it('asks for a longer answer where one was cut off', async () => {
    const model = await mended({ whenCut: { maxTokens: 40 } });
    const { value } = await resultOf(model.answer(judge('It works.'), { schema, maxTokens: 2 }));
    expect(schema.safeParse(value).success).toBe(true);
  });
});
